using System.Text;
using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Tests.Tokenizing;

/// <summary>Ids 0 to 255 are single bytes, 256 is a control token, later ones are the given pieces.</summary>
internal sealed class ToyVocabulary(params string[] pieces) : IVocabulary
{
    public const int Control = 256;

    public int Size => Control + 1 + pieces.Length;

    public ReadOnlyMemory<byte> BytesOf(int id) =>
        id < Control ? new[] { (byte)id }
        : id == Control ? default
        : Encoding.UTF8.GetBytes(pieces[id - Control - 1]);

    public static int[] Bytes(string text) => [.. Encoding.UTF8.GetBytes(text).Select(b => (int)b)];
}

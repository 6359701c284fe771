using System.Text;
using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Tests.Tokenizing;

/// <summary>Ids 0 to 255 are single bytes, 256 is the control token "&lt;c&gt;", later ones are the given pieces.</summary>
internal sealed class ToyVocabulary(params string[] pieces) : IVocabulary
{
    public const int Control = 256;

    public int Size => Control + 1 + pieces.Length;

    public ReadOnlyMemory<byte> BytesOf(int id) =>
        id < Control ? new[] { (byte)id }
        : id == Control ? default
        : Encoding.UTF8.GetBytes(pieces[id - Control - 1]);

    public IEnumerable<int?> PartsOf(string text)
    {
        string[] between = text.Split("<c>");
        for (int i = 0; i < between.Length; i++)
        {
            if (i > 0)
                yield return Control;
            if (between[i].Length > 0)
                yield return null;
        }
    }

    public static int[] Bytes(string text) => [.. Encoding.UTF8.GetBytes(text).Select(b => (int)b)];
}

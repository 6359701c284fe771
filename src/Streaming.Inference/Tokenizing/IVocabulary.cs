namespace Streaming.Inference.Tokenizing;

/// <summary>What each token says.</summary>
public interface IVocabulary
{
    /// <summary>The UTF-8 bytes that a token brings, often not whole characters; none for control tokens and unknown ids.</summary>
    ReadOnlyMemory<byte> BytesOf(int id);
}

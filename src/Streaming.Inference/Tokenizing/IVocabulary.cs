namespace Streaming.Inference.Tokenizing;

/// <summary>The bytes of tokens.</summary>
public interface IVocabulary
{
    /// <summary>A token's UTF-8 bytes, often not whole characters; empty for control tokens and unknown ids.</summary>
    ReadOnlyMemory<byte> BytesOf(int id);

    /// <summary>The parts of a text: the id of each control token that is written in it, and null for each piece of other text.</summary>
    IEnumerable<int?> PartsOf(string text) => [null];

    /// <summary>A token's bytes where it is the first one of a text: SentencePiece's lacks the space before the word.</summary>
    ReadOnlyMemory<byte> FirstBytesOf(int id) => BytesOf(id);
}

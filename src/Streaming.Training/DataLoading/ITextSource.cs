using Streaming.Training.Corpora;

namespace Streaming.Training.DataLoading;

/// <summary>The endless sequence of one source's texts. The n-th text is always the same, so that a number is the whole state.</summary>
internal interface ITextSource
{
    /// <summary>The source's description in the mixture.</summary>
    SourceDescription Description { get; }

    /// <summary>The n-th text, counted from 0.</summary>
    Document Document(long number);
}

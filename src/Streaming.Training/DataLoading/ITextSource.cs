using Streaming.Training.Corpora;

namespace Streaming.Training.DataLoading;

/// <summary>Gives the texts of one source, one after the other; the n-th is always the same, so that a number is all its state.</summary>
internal interface ITextSource
{
    /// <summary>Its description in the mixture.</summary>
    SourceDescription Description { get; }

    /// <summary>The n-th text, from 0 on, without end.</summary>
    Document Document(long number);
}

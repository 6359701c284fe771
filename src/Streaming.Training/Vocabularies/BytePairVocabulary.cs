using System.Text;
using Streaming.Inference.Tokenizing;

namespace Streaming.Training.Vocabularies;

/// <summary>A byte-level vocabulary: control tokens, the 256 bytes, then one token for each merge, in the order of ranks.</summary>
internal sealed class BytePairVocabulary
{
    private readonly List<byte[]> _tokens = [];
    private readonly List<(int Left, int Right)> _merges = [];

    /// <param name="control">The texts of the control tokens.</param>
    public BytePairVocabulary(IReadOnlyList<string> control)
    {
        Control = control;
        _tokens.AddRange(control.Select(Encoding.UTF8.GetBytes));
        for (int b = 0; b < 256; b++)
            _tokens.Add([(byte)b]);
    }

    /// <summary>The texts of the control tokens, whose ids start at 0.</summary>
    public IReadOnlyList<string> Control { get; }

    /// <summary>The number of tokens.</summary>
    public int Count => _tokens.Count;

    /// <summary>The merges, as pairs of ids.</summary>
    public IReadOnlyList<(int Left, int Right)> Merges => _merges;

    /// <summary>The id of a byte.</summary>
    public int IdOf(byte value) => Control.Count + value;

    /// <summary>A token as <c>tokenizer.json</c> spells it.</summary>
    public string Spelling(int id) => id < Control.Count ? Control[id] : string.Concat(_tokens[id].Select(ByteAlphabet.CharOf));

    /// <summary>Adds a merge and returns the id of the merged token.</summary>
    public int Add(int left, int right)
    {
        _merges.Add((left, right));
        _tokens.Add([.. _tokens[left], .. _tokens[right]]);
        return _tokens.Count - 1;
    }
}

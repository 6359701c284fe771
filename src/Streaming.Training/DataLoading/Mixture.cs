namespace Streaming.Training.DataLoading;

/// <summary>The state of a mixture, stored with the weights.</summary>
internal sealed record MixtureState
{
    /// <summary>The number of texts taken from each source.</summary>
    public Dictionary<string, long> Numbers { get; init; } = [];

    /// <summary>The number of tokens taken from each source.</summary>
    public Dictionary<string, long> Tokens { get; init; } = [];

    /// <summary>The number of tokens by which each source is behind its share.</summary>
    public Dictionary<string, double> Behind { get; init; } = [];

    /// <summary>A copy that later texts do not change.</summary>
    public MixtureState Copy() =>
        new()
        {
            Numbers = new(Numbers),
            Tokens = new(Tokens),
            Behind = new(Behind),
        };
}

/// <summary>Chooses the next text, always from the source that is furthest behind its share of the tokens.</summary>
internal sealed class Mixture
{
    private readonly ITextSource[] _sources;
    private readonly double _shares;

    /// <param name="sources">The sources, with the shares of their descriptions.</param>
    /// <param name="state">
    /// The state from which to continue; it is changed. A source that is new to it starts with its first text and does not catch up on
    /// the past. Changed shares take effect from here on.
    /// </param>
    public Mixture(IEnumerable<ITextSource> sources, MixtureState state)
    {
        _sources = [.. sources.Where(s => s.Description.Share > 0)];
        _shares = _sources.Sum(s => s.Description.Share);
        State = state;
        foreach (string name in _sources.Select(s => s.Description.Name))
        {
            state.Numbers.TryAdd(name, 0);
            state.Tokens.TryAdd(name, 0);
            state.Behind.TryAdd(name, 0);
        }
    }

    /// <summary>The current state.</summary>
    public MixtureState State { get; }

    /// <summary>The next text.</summary>
    public Document Next()
    {
        ITextSource source = _sources.MaxBy(s => State.Behind[s.Description.Name] + s.Description.Share / _shares)!;
        string chosen = source.Description.Name;
        Document document = source.Document(State.Numbers[chosen]++);
        State.Tokens[chosen] += document.Ids.Length;
        foreach (ITextSource each in _sources)
            State.Behind[each.Description.Name] += document.Ids.Length * each.Description.Share / _shares;
        State.Behind[chosen] -= document.Ids.Length;
        return document;
    }
}

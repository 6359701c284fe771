namespace Streaming.Jinja.Values;

/// <summary>What <c>groupby</c> gives: a pair that also has names.</summary>
internal sealed class Group(object? grouper, List<object?> list) : IPyObject
{
    public IReadOnlyList<object?> Items { get; } = [grouper, list];

    public string TypeName => "_GroupTuple";

    public bool TryGetAttribute(string name, out object? value)
    {
        value = name == "grouper" ? grouper : list;
        return name is "grouper" or "list";
    }
}

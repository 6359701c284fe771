namespace Streaming.Jinja.Runtime;

/// <summary>Variables of a block; names that it has not are those of the block around it.</summary>
internal sealed class Scope(Scope? parent)
{
    private readonly Dictionary<string, object?> _values = [];

    public bool TryGet(string name, out object? value)
    {
        for (Scope? scope = this; scope is not null; scope = scope.Parent)
        {
            if (scope._values.TryGetValue(name, out value))
                return true;
        }
        value = null;
        return false;
    }

    public void Set(string name, object? value) => _values[name] = value;

    private Scope? Parent { get; } = parent;
}

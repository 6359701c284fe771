namespace Streaming.Jinja.Syntax;

/// <summary>A statement.</summary>
/// <param name="Line">Its line, from 1.</param>
internal abstract record Statement(int Line);

/// <summary>Template text.</summary>
internal sealed record Text(int Line, string Value) : Statement(Line);

/// <summary><c>{{ expression }}</c> or <c>{% print %}</c>.</summary>
internal sealed record Output(int Line, Expression Value) : Statement(Line);

/// <summary><c>{% if %}</c> with its <c>elif</c>s and <c>else</c>.</summary>
internal sealed record If(
    int Line,
    IReadOnlyList<(Expression Condition, IReadOnlyList<Statement> Body)> Branches,
    IReadOnlyList<Statement> Otherwise
) : Statement(Line);

/// <summary><c>{% for %}</c>.</summary>
internal sealed record For(
    int Line,
    Target Target,
    Expression Iterable,
    Expression? Condition,
    bool IsRecursive,
    IReadOnlyList<Statement> Body,
    IReadOnlyList<Statement> Otherwise
) : Statement(Line);

/// <summary><c>{% break %}</c>.</summary>
internal sealed record Break(int Line) : Statement(Line);

/// <summary><c>{% continue %}</c>.</summary>
internal sealed record Continue(int Line) : Statement(Line);

/// <summary><c>{% set target = value %}</c>.</summary>
internal sealed record Set(int Line, Target Target, Expression Value) : Statement(Line);

/// <summary><c>{% set target | filters %}body{% endset %}</c>.</summary>
internal sealed record SetBlock(int Line, Target Target, IReadOnlyList<Filter> Filters, IReadOnlyList<Statement> Body) : Statement(Line);

/// <summary><c>{% with %}</c>; also a body that only wants a scope of its own.</summary>
internal sealed record With(int Line, IReadOnlyList<(Target Target, Expression Value)> Assignments, IReadOnlyList<Statement> Body)
    : Statement(Line);

/// <summary><c>{% macro %}</c>.</summary>
internal sealed record MacroDefinition(int Line, string MacroName, MacroSignature Signature, IReadOnlyList<Statement> Body)
    : Statement(Line);

/// <summary><c>{% call(parameters) macro(arguments) %}body{% endcall %}</c>.</summary>
internal sealed record CallBlock(int Line, MacroSignature Signature, Call Call, IReadOnlyList<Statement> Body) : Statement(Line);

/// <summary><c>{% filter %}</c>.</summary>
internal sealed record FilterBlock(int Line, IReadOnlyList<Filter> Filters, IReadOnlyList<Statement> Body) : Statement(Line);

/// <summary>Parameters of a macro, and which of the special names its body uses.</summary>
internal sealed record MacroSignature(IReadOnlyList<(string Name, Expression? Default)> Parameters)
{
    /// <summary>Whether the body names <c>varargs</c>; a macro that does not refuses more arguments.</summary>
    public bool UsesVarargs { get; init; }

    /// <summary>Whether the body names <c>kwargs</c>.</summary>
    public bool UsesKwargs { get; init; }

    /// <summary>Whether the body names <c>caller</c>.</summary>
    public bool UsesCaller { get; init; }
}

/// <summary>What an assignment writes to.</summary>
internal abstract record Target(int Line);

/// <summary>A variable.</summary>
internal sealed record NameTarget(int Line, string Identifier) : Target(Line);

/// <summary><c>namespace.attribute</c>.</summary>
internal sealed record NamespaceTarget(int Line, string Identifier, string Member) : Target(Line);

/// <summary><c>a, b</c>.</summary>
internal sealed record TupleTarget(int Line, IReadOnlyList<Target> Items) : Target(Line);

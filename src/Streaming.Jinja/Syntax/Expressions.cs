namespace Streaming.Jinja.Syntax;

/// <summary>An expression.</summary>
/// <param name="Line">Its line, from 1.</param>
internal abstract record Expression(int Line);

/// <summary>A literal.</summary>
internal sealed record Constant(int Line, object? Value) : Expression(Line);

/// <summary>A variable.</summary>
internal sealed record Name(int Line, string Identifier) : Expression(Line);

/// <summary>A list literal.</summary>
internal sealed record ListLiteral(int Line, IReadOnlyList<Expression> Items) : Expression(Line);

/// <summary>A tuple literal.</summary>
internal sealed record TupleLiteral(int Line, IReadOnlyList<Expression> Items) : Expression(Line);

/// <summary>A dictionary literal.</summary>
internal sealed record DictLiteral(int Line, IReadOnlyList<(Expression Key, Expression Value)> Items) : Expression(Line);

/// <summary><c>not</c>, <c>-</c>, <c>+</c>.</summary>
internal sealed record Unary(int Line, string Operator, Expression Operand) : Expression(Line);

/// <summary>Arithmetic, <c>and</c>, <c>or</c>.</summary>
internal sealed record Binary(int Line, string Operator, Expression Left, Expression Right) : Expression(Line);

/// <summary><c>a ~ b ~ c</c>.</summary>
internal sealed record Concatenation(int Line, IReadOnlyList<Expression> Items) : Expression(Line);

/// <summary>A chain of comparisons, <c>a &lt; b &lt; c</c>.</summary>
internal sealed record Comparison(int Line, Expression First, IReadOnlyList<(string Operator, Expression Operand)> Rest) : Expression(Line);

/// <summary><c>then if condition else otherwise</c>; without <c>else</c>, undefined.</summary>
internal sealed record Conditional(int Line, Expression Condition, Expression Then, Expression? Otherwise) : Expression(Line);

/// <summary><c>object.name</c>: an attribute, else an item.</summary>
internal sealed record Attribute(int Line, Expression Object, string Member) : Expression(Line);

/// <summary><c>object[key]</c>: an item, else an attribute.</summary>
internal sealed record Item(int Line, Expression Object, Expression Key) : Expression(Line);

/// <summary><c>start:stop:step</c> inside brackets.</summary>
internal sealed record Slice(int Line, Expression? Start, Expression? Stop, Expression? Step) : Expression(Line);

/// <summary>A call.</summary>
internal sealed record Call(int Line, Expression Function, ArgumentList Arguments) : Expression(Line);

/// <summary><c>value | name(arguments)</c>; the value is null in a filter block.</summary>
internal sealed record Filter(int Line, Expression? Value, string FilterName, ArgumentList Arguments) : Expression(Line);

/// <summary><c>value is name arguments</c>.</summary>
internal sealed record Test(int Line, Expression Value, string TestName, ArgumentList Arguments) : Expression(Line);

/// <summary>Arguments of a call.</summary>
internal sealed record ArgumentList(
    IReadOnlyList<Expression> Positional,
    IReadOnlyList<(string Name, Expression Value)> Named,
    Expression? Star,
    Expression? DoubleStar
)
{
    public static ArgumentList None { get; } = new([], [], null, null);
}

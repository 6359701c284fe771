using System.Globalization;
using System.Numerics;

namespace Streaming.Jinja.Syntax;

/// <content>
/// Expressions, by Jinja2's precedence: ternary, or, and, not, comparison, + -, ~, * / // %, **, sign, postfix, filter and test.
/// </content>
internal sealed partial class Parser
{
    private Expression ParseExpression() => Nested(ParseConditional);

    private Expression ParseConditional()
    {
        int line = Current.Line;
        Expression value = ParseOr();
        while (SkipName("if"))
        {
            Expression condition = ParseOr();
            Expression? otherwise = SkipName("else") ? Nested(ParseConditional) : null;
            value = new Conditional(line, condition, value, otherwise);
        }
        return value;
    }

    private Expression ParseOr()
    {
        Expression left = ParseAnd();
        while (Current.IsName("or"))
            left = new Binary(Next().Line, "or", left, ParseAnd());
        return left;
    }

    private Expression ParseAnd()
    {
        Expression left = ParseNot();
        while (Current.IsName("and"))
            left = new Binary(Next().Line, "and", left, ParseNot());
        return left;
    }

    private Expression ParseNot() => Current.IsName("not") ? new Unary(Next().Line, "not", Nested(ParseNot)) : ParseComparison();

    private Expression ParseComparison()
    {
        int line = Current.Line;
        Expression first = ParseSum();
        List<(string, Expression)> rest = [];
        while (true)
        {
            if (Current is { Kind: TokenKind.Operator, Text: "==" or "!=" or "<" or "<=" or ">" or ">=" })
                rest.Add((Next().Text, ParseSum()));
            else if (SkipName("in"))
                rest.Add(("in", ParseSum()));
            else if (Current.IsName("not") && Peek().IsName("in"))
            {
                Skip(2);
                rest.Add(("not in", ParseSum()));
            }
            else
                return rest.Count == 0 ? first : new Comparison(line, first, rest);
        }
    }

    private Expression ParseSum() => ParseBinary(ParseConcatenation, "+", "-");

    private Expression ParseConcatenation()
    {
        int line = Current.Line;
        List<Expression> items = [ParseProduct()];
        while (SkipOperator("~"))
            items.Add(ParseProduct());
        return items.Count == 1 ? items[0] : new Concatenation(line, items);
    }

    private Expression ParseProduct() => ParseBinary(ParsePower, "*", "/", "//", "%");

    private Expression ParsePower() => ParseBinary(() => ParseUnary(withFilter: true), "**");

    /// <summary>Operators of one precedence, from left to right; <c>**</c> too, as in Jinja2.</summary>
    private Expression ParseBinary(Func<Expression> operand, params ReadOnlySpan<string> operators)
    {
        Expression left = operand();
        while (Current.Kind == TokenKind.Operator && operators.Contains(Current.Text))
        {
            Token symbol = Next();
            left = new Binary(symbol.Line, symbol.Text, left, operand());
        }
        return left;
    }

    private Expression ParseUnary(bool withFilter)
    {
        Expression value = Current is { Kind: TokenKind.Operator, Text: "-" or "+" } sign
            ? new Unary(sign.Line, Next().Text, Nested(() => ParseUnary(withFilter: false)))
            : ParsePrimary();
        value = ParsePostfix(value);
        return withFilter ? ParseFilters(value) : value;
    }

    private Expression ParsePrimary()
    {
        Token token = Next();
        switch (token.Kind)
        {
            case TokenKind.Name:
                return token.Text switch
                {
                    "true" or "True" => new Constant(token.Line, true),
                    "false" or "False" => new Constant(token.Line, false),
                    "none" or "None" => new Constant(token.Line, null),
                    _ => Use(token),
                };
            case TokenKind.String:
                string text = token.Text;
                while (Current.Kind == TokenKind.String) // neighbours are one string
                    text += Next().Text;
                return new Constant(token.Line, text);
            case TokenKind.Integer:
                return new Constant(token.Line, Integer(token));
            case TokenKind.Float:
                return new Constant(token.Line, double.Parse(token.Text, NumberStyles.Float, CultureInfo.InvariantCulture));
            case TokenKind.Operator when token.Text == "(":
                Expression inner = Nested(() => ParseTuple(withConditional: true, isParenthesized: true));
                Expect(")");
                return inner;
            case TokenKind.Operator when token.Text == "[":
                return new ListLiteral(token.Line, ParseItems("]", ParseExpression));
            case TokenKind.Operator when token.Text == "{":
                return new DictLiteral(token.Line, ParseItems("}", ParsePair));
            default:
                throw Unexpected(token);
        }
    }

    private Name Use(Token token)
    {
        _used.Peek().Add(token.Text);
        return new Name(token.Line, token.Text);
    }

    private static BigInteger Integer(Token token)
    {
        string digits = token.Text;
        int radix =
            digits.Length < 2
                ? 10
                : char.ToLowerInvariant(digits[1]) switch
                {
                    'b' => 2,
                    'o' => 8,
                    'x' => 16,
                    _ => 10,
                };
        BigInteger value = BigInteger.Zero;
        foreach (char digit in radix == 10 ? digits : digits[2..])
            value = value * radix + Convert.ToInt32(digit.ToString(), 16);
        return value;
    }

    private (Expression, Expression) ParsePair()
    {
        Expression key = ParseExpression();
        Expect(":");
        return (key, ParseExpression());
    }

    /// <summary>Items up to a closing bracket, separated by commas; a last comma is allowed.</summary>
    private List<T> ParseItems<T>(string close, Func<T> item)
    {
        List<T> items = [];
        while (!Current.IsOperator(close))
        {
            if (items.Count > 0)
                Expect(",");
            if (Current.IsOperator(close))
                break;
            items.Add(item());
        }
        Expect(close);
        return items;
    }

    /// <summary>One expression, or several with commas, which are a tuple.</summary>
    private Expression ParseTuple(bool withConditional, bool isParenthesized = false, string? endName = null)
    {
        int line = Current.Line;
        List<Expression> items = [];
        bool isTuple = false;
        while (!IsTupleEnd(endName))
        {
            items.Add(withConditional ? ParseExpression() : ParseOr());
            if (!SkipOperator(","))
                break;
            isTuple = true;
        }
        if (!isTuple && items.Count == 1)
            return items[0];
        if (items.Count == 0 && !isParenthesized)
            throw new JinjaException($"expected an expression instead of {Current}", line);
        return new TupleLiteral(line, items);
    }

    private bool IsTupleEnd(string? endName) =>
        Current.Kind is TokenKind.VariableEnd or TokenKind.BlockEnd or TokenKind.End
        || Current.IsOperator(")")
        || (endName is not null && Current.IsName(endName));

    private Expression ParsePostfix(Expression value)
    {
        while (true)
        {
            if (Current.IsOperator("."))
            {
                int line = Next().Line;
                Token member = Next();
                value = member.Kind switch
                {
                    TokenKind.Name => new Attribute(line, value, member.Text),
                    TokenKind.Integer => new Item(line, value, new Constant(line, Integer(member))),
                    _ => throw new JinjaException($"expected a name or number after '.' instead of {member}", line),
                };
            }
            else if (Current.IsOperator("["))
                value = ParseSubscript(value);
            else if (Current.IsOperator("("))
                value = ParseCall(value);
            else
                return value;
        }
    }

    private Item ParseSubscript(Expression value)
    {
        int line = Next().Line;
        List<Expression> keys = [];
        while (!Current.IsOperator("]"))
        {
            if (keys.Count > 0)
                Expect(",");
            keys.Add(ParseKey());
        }
        Expect("]");
        if (keys.Count == 0)
            throw new JinjaException("an empty subscript '[]'", line);
        return new Item(line, value, keys.Count == 1 ? keys[0] : new TupleLiteral(line, keys));
    }

    private Expression ParseKey()
    {
        int line = Current.Line;
        Expression? start = Current.IsOperator(":") ? null : ParseExpression();
        if (!Current.IsOperator(":"))
            return start!;
        Next();
        Expression? stop = IsKeyEnd() || Current.IsOperator(":") ? null : ParseExpression();
        Expression? step = SkipOperator(":") && !IsKeyEnd() ? ParseExpression() : null;
        return new Slice(line, start, stop, step);
    }

    private bool IsKeyEnd() => Current.IsOperator("]") || Current.IsOperator(",");

    private Call ParseCall(Expression function) => new(Current.Line, function, ParseArguments());

    private ArgumentList ParseArguments()
    {
        int line = Current.Line;
        Expect("(");
        List<Expression> positional = [];
        List<(string, Expression)> named = [];
        Expression? star = null,
            doubleStar = null;
        bool isFirst = true;
        while (!Current.IsOperator(")"))
        {
            if (!isFirst)
            {
                Expect(",");
                if (Current.IsOperator(")"))
                    break;
            }
            isFirst = false;
            if (SkipOperator("*"))
                star =
                    star is null && doubleStar is null
                        ? ParseExpression()
                        : throw new JinjaException("two '*' arguments in one call", line);
            else if (SkipOperator("**"))
                doubleStar = doubleStar is null ? ParseExpression() : throw new JinjaException("two '**' arguments in one call", line);
            else if (Current.Kind == TokenKind.Name && Peek().IsOperator("="))
            {
                string name = Next().Text;
                Next();
                named.Add((name, ParseExpression()));
            }
            else if (named.Count == 0 && star is null && doubleStar is null)
                positional.Add(ParseExpression());
            else
                throw new JinjaException("a positional argument after a named one", line);
        }
        Expect(")");
        return new ArgumentList(positional, named, star, doubleStar);
    }

    private Expression ParseFilters(Expression value)
    {
        while (true)
        {
            if (SkipOperator("|"))
                value = ParseFilter(value);
            else if (Current.IsName("is"))
                value = ParseTest(value);
            else if (Current.IsOperator("("))
                value = ParseCall(value);
            else
                return value;
        }
    }

    private Filter ParseFilter(Expression? value)
    {
        int line = Current.Line;
        string name = ParseDottedName();
        _knownNames.RequireFilter(name, line);
        return new Filter(line, value, name, Current.IsOperator("(") ? ParseArguments() : ArgumentList.None);
    }

    private Expression ParseTest(Expression value)
    {
        int line = Next().Line;
        bool isNegated = SkipName("not");
        string name = ParseDottedName();
        _knownNames.RequireTest(name, line);
        ArgumentList arguments = ArgumentList.None;
        if (Current.IsOperator("("))
            arguments = ParseArguments();
        else if (IsTestArgument())
        {
            if (Current.IsName("is"))
                throw new JinjaException("two tests with 'is' in a row: combine them with 'and'", line);
            arguments = new ArgumentList([ParsePostfix(ParsePrimary())], [], null, null);
        }
        var test = new Test(line, value, name, arguments);
        return isNegated ? new Unary(line, "not", test) : test;
    }

    private bool IsTestArgument() =>
        Current.Kind switch
        {
            TokenKind.Name => Current.Text is not ("else" or "or" or "and"),
            TokenKind.String or TokenKind.Integer or TokenKind.Float => true,
            TokenKind.Operator => Current.Text is "(" or "[" or "{",
            _ => false,
        };

    private string ParseDottedName()
    {
        string name = ExpectName();
        while (SkipOperator("."))
            name += "." + ExpectName();
        return name;
    }
}

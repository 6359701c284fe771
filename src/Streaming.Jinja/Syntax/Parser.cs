namespace Streaming.Jinja.Syntax;

/// <summary>Parses a template into statements, with Jinja2 3.1's grammar and the extensions that Hugging Face transformers loads
/// (<c>break</c>, <c>continue</c>, <c>generation</c>). Filters and tests that do not exist are refused here, by name and line.</summary>
internal sealed partial class Parser
{
    private readonly List<Token> _tokens;
    private readonly IKnownNames _knownNames;
    private readonly int _deepest;
    private readonly Stack<HashSet<string>> _used = new([
        [],
    ]); // names that the macro being parsed mentions; its parents' below
    private int _at;
    private int _depth;
    private int _loops;

    private Parser(List<Token> tokens, IKnownNames knownNames, int deepest)
    {
        _tokens = tokens;
        _knownNames = knownNames;
        _deepest = deepest;
    }

    private Token Current => _tokens[_at];

    /// <summary>Parses a whole template.</summary>
    /// <exception cref="JinjaException">It is not a template.</exception>
    public static IReadOnlyList<Statement> Parse(string source, IKnownNames knownNames, int deepest)
    {
        var parser = new Parser(Lexer.Tokenize(source), knownNames, deepest);
        List<Statement> body = parser.ParseBody();
        return parser.Current.Kind == TokenKind.End ? body : throw parser.UnexpectedTag();
    }

    /// <summary>Statements up to the end, or up to a block tag that begins with one of these names, which is not consumed.</summary>
    private List<Statement> ParseBody(params ReadOnlySpan<string> ends)
    {
        List<Statement> body = [];
        while (Current.Kind != TokenKind.End)
        {
            Token token = Current;
            switch (token.Kind)
            {
                case TokenKind.Data:
                    body.Add(new Text(Next().Line, token.Text));
                    break;
                case TokenKind.VariableBegin:
                    Next();
                    body.Add(new Output(token.Line, ParseTuple(withConditional: true)));
                    Expect(TokenKind.VariableEnd);
                    break;
                default:
                    if (Peek().Kind == TokenKind.Name && ends.Contains(Peek().Text))
                        return body;
                    Next();
                    if (ParseStatement() is { } statement)
                        body.Add(statement);
                    Expect(TokenKind.BlockEnd);
                    break;
            }
        }
        return ends.IsEmpty
            ? body
            : throw new JinjaException($"the template ends where '{string.Join("' or '", ends.ToArray())}' is missing", Current.Line);
    }

    /// <summary>A body and the tag that ends it, up to its <c>%}</c>, which the caller expects.</summary>
    private List<Statement> ParseBodyAnd(string end)
    {
        Expect(TokenKind.BlockEnd);
        List<Statement> body = Nested(() => ParseBody(end));
        Skip(2);
        return body;
    }

    /// <summary>A body that ends at one of two tags; the tag's name is returned, its <c>%}</c> not consumed.</summary>
    private (List<Statement> Body, string End) ParseBodyUntil(params string[] ends)
    {
        Expect(TokenKind.BlockEnd);
        List<Statement> body = Nested(() => ParseBody(ends));
        Next();
        return (body, Next().Text);
    }

    private T Nested<T>(Func<T> parse)
    {
        if (++_depth > _deepest)
            throw new JinjaException($"the template is nested deeper than {_deepest} levels", Current.Line);
        T result = parse();
        _depth--;
        return result;
    }

    private Token Next() => Current.Kind == TokenKind.End ? throw Unexpected(Current) : _tokens[_at++];

    private Token Peek() => _tokens[Math.Min(_at + 1, _tokens.Count - 1)];

    private void Skip(int count)
    {
        for (int i = 0; i < count; i++)
            Next();
    }

    private bool SkipName(string name)
    {
        bool isThere = Current.IsName(name);
        if (isThere)
            _at++;
        return isThere;
    }

    private bool SkipOperator(string text)
    {
        bool isThere = Current.IsOperator(text);
        if (isThere)
            _at++;
        return isThere;
    }

    private void Expect(string text)
    {
        if (!SkipOperator(text))
            throw new JinjaException($"expected '{text}' instead of {Current}", Current.Line);
    }

    private void Expect(TokenKind kind)
    {
        if (Current.Kind != kind)
            throw new JinjaException($"expected {new Token(kind, "", 0)} instead of {Current}", Current.Line);
        _at++;
    }

    private string ExpectName() =>
        Current.Kind == TokenKind.Name ? Next().Text : throw new JinjaException($"expected a name instead of {Current}", Current.Line);

    private void ExpectKeyword(string name)
    {
        if (!SkipName(name))
            throw new JinjaException($"expected '{name}' instead of {Current}", Current.Line);
    }

    private static JinjaException Unexpected(Token token) => new($"unexpected {token}", token.Line);

    private JinjaException UnexpectedTag() => new($"unexpected tag '{Peek().Text}'", Current.Line);
}

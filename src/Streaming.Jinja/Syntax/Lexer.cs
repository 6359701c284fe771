using System.Text;
using System.Text.RegularExpressions;
using Streaming.Jinja.Values;

namespace Streaming.Jinja.Syntax;

/// <summary>
/// Cuts a template into tokens as Jinja2 3.1 does with <c>trim_blocks</c> and <c>lstrip_blocks</c>, the settings of Hugging Face
/// transformers. Line ends become <c>\n</c> first, and one line end at the end of the template is dropped.
/// </summary>
internal sealed partial class Lexer
{
    private static readonly string[] Operators =
    [
        "//",
        "**",
        "==",
        "!=",
        ">=",
        "<=",
        "+",
        "-",
        "/",
        "*",
        "%",
        "~",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        ">",
        "<",
        "=",
        ".",
        ":",
        "|",
        ",",
        ";",
    ];

    private readonly string _source;
    private readonly List<Token> _tokens = [];
    private int _at;
    private int _line = 1;
    private bool _startsLine = true; // whether the last tag ended with a line end

    private Lexer(string source)
    {
        source = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        _source = source.EndsWith('\n') ? source[..^1] : source;
    }

    /// <summary>All tokens; the last is <see cref="TokenKind.End"/>.</summary>
    /// <exception cref="JinjaException">A tag, comment or string does not end, or a character has no meaning.</exception>
    public static List<Token> Tokenize(string source) => new Lexer(source).Run();

    private List<Token> Run()
    {
        try
        {
            while (_at < _source.Length)
                Root();
            _tokens.Add(new(TokenKind.End, "", _line));
            return _tokens;
        }
        catch (JinjaException e) when (e.Line == 0)
        {
            throw new JinjaException(e.Message, _line, e);
        }
    }

    /// <summary>Text up to the next tag, and the tag.</summary>
    private void Root()
    {
        int tag = NextTag();
        if (tag < 0)
        {
            AddData(_source[_at..]);
            _at = _source.Length;
            return;
        }
        string text = _source[_at..tag];
        char kind = _source[tag + 1];
        int inside = tag + 2;
        char sign = inside < _source.Length && _source[inside] is '-' or '+' ? _source[inside++] : ' ';
        AddData(LeftStripped(text, sign, isVariable: kind == '{'));
        Advance(inside);
        switch (kind)
        {
            case '#':
                Comment();
                break;
            case '{':
                Inside(TokenKind.VariableBegin, TokenKind.VariableEnd, "}}");
                break;
            default:
                if (RawBegin().Match(_source, _at) is { Success: true } raw)
                    Raw(raw.Length);
                else
                    Inside(TokenKind.BlockBegin, TokenKind.BlockEnd, "%}");
                break;
        }
        _startsLine = _source[_at - 1] == '\n';
    }

    private int NextTag()
    {
        for (int at = _at; (at = _source.IndexOf('{', at)) >= 0 && at + 1 < _source.Length; at++)
        {
            if (_source[at + 1] is '{' or '%' or '#')
                return at;
        }
        return -1;
    }

    /// <summary>Strips text before a tag: <c>-</c> all white space, <c>lstrip_blocks</c> what begins the tag's line.</summary>
    private string LeftStripped(string text, char sign, bool isVariable)
    {
        if (sign == '-')
            return PythonText.TrimEnd(text);
        if (sign == '+' || isVariable)
            return text;
        int lineStart = text.LastIndexOf('\n') + 1;
        bool isLineStart = lineStart > 0 || _startsLine;
        return isLineStart && lineStart < text.Length && PythonText.IsSpace(text.AsSpan(lineStart)) ? text[..lineStart] : text;
    }

    private void AddData(string text)
    {
        if (text.Length > 0)
            _tokens.Add(new(TokenKind.Data, text, _line));
    }

    private void Comment()
    {
        int end = _source.IndexOf("#}", _at, StringComparison.Ordinal);
        if (end < 0)
            throw new JinjaException("a comment '{#' is not ended by '#}'");
        char sign = end > _at ? _source[end - 1] : ' ';
        Advance(end + 2);
        SkipAfterTag(sign, trimsLineEnd: true);
    }

    /// <summary>What follows <c>{% raw %}</c> is text up to <c>{% endraw %}</c>.</summary>
    private void Raw(int length)
    {
        Advance(_at + length);
        Match end = RawEnd().Match(_source, _at);
        if (!end.Success)
            throw new JinjaException("{% raw %} is not ended by {% endraw %}");
        string text = _source[_at..end.Index];
        _startsLine = _source[_at - 1] == '\n';
        AddData(LeftStripped(text, end.Groups["sign"].Value is { Length: > 0 } sign ? sign[0] : ' ', isVariable: false));
        Advance(end.Index + end.Length);
    }

    private void Inside(TokenKind begin, TokenKind endKind, string end)
    {
        _tokens.Add(new(begin, "", _line));
        var brackets = new Stack<char>();
        while (true)
        {
            SkipSpace();
            if (_at >= _source.Length)
                throw new JinjaException($"a tag is not ended by '{end}'");
            if (brackets.Count == 0 && TryEnd(endKind, end))
                return;
            Expression(brackets);
        }
    }

    private bool TryEnd(TokenKind kind, string end)
    {
        ReadOnlySpan<char> rest = _source.AsSpan(_at);
        char sign = rest[0] is '-' || (rest[0] is '+' && kind == TokenKind.BlockEnd) ? rest[0] : ' ';
        int start = sign == ' ' ? 0 : 1;
        if (!rest[start..].StartsWith(end))
            return false;
        _tokens.Add(new(kind, "", _line));
        Advance(_at + start + end.Length);
        SkipAfterTag(sign, trimsLineEnd: kind == TokenKind.BlockEnd);
        return true;
    }

    private void SkipAfterTag(char sign, bool trimsLineEnd)
    {
        if (sign == '-')
            SkipSpace();
        else if (sign != '+' && trimsLineEnd && _at < _source.Length && _source[_at] == '\n')
            Advance(_at + 1);
    }

    private void SkipSpace()
    {
        int end = _at;
        while (end < _source.Length && PythonText.IsSpace(_source[end]))
            end++;
        Advance(end);
    }

    private void Advance(int to)
    {
        _line += _source.AsSpan(_at, to - _at).Count('\n');
        _at = to;
    }

    private void Expression(Stack<char> brackets)
    {
        if (FloatLiteral().Match(_source, _at) is { Success: true } number)
            Add(TokenKind.Float, number.Value.Replace("_", "", StringComparison.Ordinal), number.Length);
        else if (IntegerLiteral().Match(_source, _at) is { Success: true } integer)
            Add(TokenKind.Integer, integer.Value.Replace("_", "", StringComparison.Ordinal), integer.Length);
        else if (NameLiteral().Match(_source, _at) is { Success: true } name)
            Add(TokenKind.Name, name.Value, name.Length);
        else if (StringLiteral().Match(_source, _at) is { Success: true } text)
            Add(TokenKind.String, StringEscapes.Decode(text.Value[1..^1]), text.Length);
        else if (Operators.FirstOrDefault(o => _source.AsSpan(_at).StartsWith(o)) is { } symbol)
        {
            Balance(brackets, symbol);
            Add(TokenKind.Operator, symbol, symbol.Length);
        }
        else
            throw new JinjaException(
                $"unexpected character '{Rune.GetRuneAt(_source, char.IsLowSurrogate(_source[_at]) ? _at - 1 : _at)}'"
            );
    }

    private static void Balance(Stack<char> brackets, string symbol)
    {
        if (symbol is "(" or "[" or "{")
            brackets.Push(
                symbol[0] switch
                {
                    '(' => ')',
                    '[' => ']',
                    _ => '}',
                }
            );
        else if (symbol is ")" or "]" or "}" && (!brackets.TryPop(out char expected) || expected != symbol[0]))
            throw new JinjaException($"unexpected '{symbol}'");
    }

    private void Add(TokenKind kind, string text, int length)
    {
        _tokens.Add(new(kind, text, _line));
        Advance(_at + length);
    }

    [GeneratedRegex(@"\G[\s]*raw\s*(?:-%\}[\s]*|%\})")]
    private static partial Regex RawBegin();

    [GeneratedRegex(@"\{%(?<sign>[-+]?)\s*endraw\s*(?:\+%\}|-%\}\s*|%\}\n?)")]
    private static partial Regex RawEnd();

    [GeneratedRegex(@"\G(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+\-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)", RegexOptions.IgnoreCase)]
    private static partial Regex FloatLiteral();

    [GeneratedRegex(@"\G(?:0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*)", RegexOptions.IgnoreCase)]
    private static partial Regex IntegerLiteral();

    [GeneratedRegex(@"\G[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*")]
    private static partial Regex NameLiteral();

    [GeneratedRegex("\\G(?:'[^'\\\\]*(?:\\\\.[^'\\\\]*)*'|\"[^\"\\\\]*(?:\\\\.[^\"\\\\]*)*\")", RegexOptions.Singleline)]
    private static partial Regex StringLiteral();
}

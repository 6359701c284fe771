namespace Streaming.Jinja.Syntax;

/// <content>Statements.</content>
internal sealed partial class Parser
{
    /// <summary>What stands after <c>{%</c>, up to <c>%}</c>; null for a tag that leaves nothing to run.</summary>
    private Statement? ParseStatement()
    {
        Token tag =
            Current.Kind == TokenKind.Name ? Next() : throw new JinjaException($"expected a tag's name instead of {Current}", Current.Line);
        switch (tag.Text)
        {
            case "for":
                return ParseFor(tag.Line);
            case "if":
                return ParseIf(tag.Line);
            case "set":
                return ParseSet(tag.Line);
            case "macro":
                return ParseMacro(tag.Line);
            case "call":
                return ParseCallBlock(tag.Line);
            case "filter":
                List<Filter> filters = ParseFilterChain();
                return new FilterBlock(tag.Line, filters, ParseBodyAnd("endfilter"));
            case "with":
                return ParseWith(tag.Line);
            case "generation": // marks the assistant's words for training; here a scope of its own
                return new With(tag.Line, [], ParseBodyAnd("endgeneration"));
            case "print":
                return new Output(tag.Line, ParsePrinted(tag.Line));
            case "break" or "continue" when _loops == 0:
                throw new JinjaException($"'{tag.Text}' outside a loop", tag.Line);
            case "break":
                return new Break(tag.Line);
            case "continue":
                return new Continue(tag.Line);
            case "block" or "extends" or "include" or "import" or "from" or "autoescape" or "do" or "trans" or "pluralize" or "debug":
                throw new JinjaException($"the tag '{tag.Text}' is not supported", tag.Line);
            default:
                throw new JinjaException($"unknown tag '{tag.Text}'", tag.Line);
        }
    }

    private Concatenation ParsePrinted(int line)
    {
        List<Expression> values = [];
        while (Current.Kind != TokenKind.BlockEnd)
        {
            if (values.Count > 0)
                Expect(",");
            values.Add(ParseExpression());
        }
        return new Concatenation(line, values);
    }

    private For ParseFor(int line)
    {
        Target target = ParseTargets(endName: "in");
        ExpectKeyword("in");
        Expression iterable = ParseTuple(withConditional: false, endName: "recursive");
        Expression? condition = SkipName("if") ? ParseExpression() : null;
        bool isRecursive = SkipName("recursive");
        _loops++;
        (List<Statement> body, string end) = ParseBodyUntil("endfor", "else");
        _loops--;
        List<Statement> otherwise = end == "else" ? ParseBodyAnd("endfor") : [];
        return new For(line, target, iterable, condition, isRecursive, body, otherwise);
    }

    private If ParseIf(int line)
    {
        List<(Expression, IReadOnlyList<Statement>)> branches = [];
        while (true)
        {
            Expression condition = ParseTuple(withConditional: false);
            (List<Statement> body, string end) = ParseBodyUntil("elif", "else", "endif");
            branches.Add((condition, body));
            if (end != "elif")
                return new If(line, branches, end == "else" ? ParseBodyAnd("endif") : []);
        }
    }

    private Statement ParseSet(int line)
    {
        Target target = ParseTargets(endName: null, withNamespace: true);
        if (SkipOperator("="))
            return new Set(line, target, ParseTuple(withConditional: true));
        List<Filter> filters = Current.IsOperator("|") ? ParseFilterChain() : [];
        return new SetBlock(line, target, filters, ParseBodyAnd("endset"));
    }

    private List<Filter> ParseFilterChain()
    {
        List<Filter> filters = [];
        SkipOperator("|");
        do filters.Add(ParseFilter(null));
        while (SkipOperator("|"));
        return filters;
    }

    private With ParseWith(int line)
    {
        List<(Target, Expression)> assignments = [];
        while (Current.Kind != TokenKind.BlockEnd)
        {
            if (assignments.Count > 0)
                Expect(",");
            Target target = ParseTarget(withNamespace: false);
            Expect("=");
            assignments.Add((target, ParseExpression()));
        }
        return new With(line, assignments, ParseBodyAnd("endwith"));
    }

    private MacroDefinition ParseMacro(int line)
    {
        string name = ExpectName();
        (MacroSignature signature, List<Statement> body) = ParseMacroBody(ParseParameters, "endmacro");
        return new MacroDefinition(line, name, signature, body);
    }

    private CallBlock ParseCallBlock(int line)
    {
        List<(string, Expression?)> parameters = Current.IsOperator("(") ? ParseParameters() : [];
        Expression call = ParseExpression();
        (MacroSignature signature, List<Statement> body) = ParseMacroBody(() => parameters, "endcall");
        return call is Call macro
            ? new CallBlock(line, signature, macro, body)
            : throw new JinjaException("the tag 'call' expects a call", line);
    }

    private (MacroSignature, List<Statement>) ParseMacroBody(Func<List<(string, Expression?)>> parameters, string end)
    {
        int loops = _loops;
        _loops = 0;
        _used.Push([]);
        List<(string, Expression?)> declared = parameters();
        List<Statement> body = ParseBodyAnd(end);
        HashSet<string> used = _used.Pop();
        _used.Peek().UnionWith(used);
        _loops = loops;
        var signature = new MacroSignature(declared)
        {
            UsesVarargs = used.Contains("varargs"),
            UsesKwargs = used.Contains("kwargs"),
            UsesCaller = used.Contains("caller"),
        };
        return (signature, body);
    }

    private List<(string, Expression?)> ParseParameters()
    {
        Expect("(");
        List<(string Name, Expression? Default)> parameters = [];
        while (!Current.IsOperator(")"))
        {
            if (parameters.Count > 0)
                Expect(",");
            string name = ExpectName();
            Expression? value = SkipOperator("=") ? ParseExpression() : null;
            if (value is null && parameters.Count > 0 && parameters[^1].Default is not null)
                throw new JinjaException($"the parameter '{name}' without a default follows one with a default", Current.Line);
            parameters.Add((name, value));
        }
        Expect(")");
        return parameters;
    }

    private Target ParseTargets(string? endName, bool withNamespace = false)
    {
        int line = Current.Line;
        Target first = ParseTarget(withNamespace);
        if (!Current.IsOperator(","))
            return first;
        List<Target> items = [first];
        while (SkipOperator(",") && !Current.IsOperator("=") && !(endName is not null && Current.IsName(endName)))
            items.Add(ParseTarget(withNamespace: false));
        return new TupleTarget(line, items);
    }

    private Target ParseTarget(bool withNamespace)
    {
        int line = Current.Line;
        if (SkipOperator("("))
        {
            Target inner = Nested(() => ParseTargets(null));
            Expect(")");
            return inner;
        }
        string name = ExpectName();
        if (name is "true" or "false" or "none" or "True" or "False" or "None")
            throw new JinjaException($"'{name}' cannot be assigned to", line);
        if (!withNamespace || !SkipOperator("."))
            return new NameTarget(line, name);
        return new NamespaceTarget(line, Use(new Token(TokenKind.Name, name, line)).Identifier, ExpectName());
    }
}

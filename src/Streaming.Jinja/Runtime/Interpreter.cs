using System.Text;
using Streaming.Jinja.Syntax;
using Streaming.Jinja.Values;

namespace Streaming.Jinja.Runtime;

/// <summary>Runs the statements of a template, once.</summary>
internal sealed partial class Interpreter
{
    private readonly JinjaLimits _limits;
    private StringBuilder _output = new();
    private int _line;
    private int _steps;
    private int _depth;

    public Interpreter(JinjaLimits limits)
    {
        _limits = limits;
    }

    /// <summary>How a body ended.</summary>
    private enum Flow
    {
        Normal,
        Break,
        Continue,
    }

    /// <summary>Renders.</summary>
    /// <param name="body">The template.</param>
    /// <param name="variables">What the template is given, and the functions of the host.</param>
    /// <exception cref="JinjaException">It fails, with the line.</exception>
    public string Render(IReadOnlyList<Statement> body, IEnumerable<KeyValuePair<string, object?>> variables)
    {
        var globals = new Scope(null);
        foreach ((string name, object? value) in Globals.All)
            globals.Set(name, value);
        var given = new Scope(globals);
        foreach ((string name, object? value) in variables)
            given.Set(name, value);
        try
        {
            Execute(body, new Scope(given));
            return _output.ToString();
        }
        catch (JinjaException e) when (e.Line == 0)
        {
            throw new JinjaException(e.Message, _line, e) { IsRaisedByTemplate = e.IsRaisedByTemplate };
        }
    }

    private Flow Execute(IReadOnlyList<Statement> body, Scope scope)
    {
        foreach (Statement statement in body)
        {
            Step(statement.Line);
            Flow flow = Execute(statement, scope);
            if (flow != Flow.Normal)
                return flow;
        }
        return Flow.Normal;
    }

    private Flow Execute(Statement statement, Scope scope)
    {
        switch (statement)
        {
            case Text text:
                Write(text.Value);
                return Flow.Normal;
            case Output output:
                Write(Python.ToText(Evaluate(output.Value, scope)));
                return Flow.Normal;
            case If choice:
                return ExecuteIf(choice, scope);
            case For loop:
                return ExecuteFor(loop, scope);
            case Break:
                return Flow.Break;
            case Continue:
                return Flow.Continue;
            case Set set:
                Assign(set.Target, Evaluate(set.Value, scope), scope);
                return Flow.Normal;
            case SetBlock set:
                string value = Capture(set.Body, new Scope(scope));
                Assign(set.Target, set.Filters.Aggregate<Filter, object?>(value, (v, f) => ApplyFilter(f, v, scope)), scope);
                return Flow.Normal;
            case With with:
                return ExecuteWith(with, scope);
            case MacroDefinition macro:
                scope.Set(macro.MacroName, Define(macro.MacroName, macro.Signature, macro.Body, scope));
                return Flow.Normal;
            case CallBlock call:
                PyFunction caller = Define("caller", call.Signature, call.Body, scope);
                Write(Python.ToText(Invoke(Evaluate(call.Call.Function, scope), call.Call.Arguments, scope, ("caller", caller))));
                return Flow.Normal;
            case FilterBlock filter:
                string body = Capture(filter.Body, new Scope(scope));
                Write(Python.ToText(filter.Filters.Aggregate<Filter, object?>(body, (v, f) => ApplyFilter(f, v, scope))));
                return Flow.Normal;
            default:
                throw new InvalidOperationException($"The statement {statement.GetType().Name} has no meaning.");
        }
    }

    private Flow ExecuteIf(If choice, Scope scope)
    {
        foreach ((Expression condition, IReadOnlyList<Statement> body) in choice.Branches)
        {
            if (Python.IsTrue(Evaluate(condition, scope)))
                return Execute(body, scope); // an if has no scope of its own
        }
        return Execute(choice.Otherwise, scope);
    }

    private Flow ExecuteWith(With with, Scope scope)
    {
        var inner = new Scope(scope);
        foreach ((Target target, Expression value) in with.Assignments)
            Assign(target, Evaluate(value, scope), inner);
        return Execute(with.Body, inner);
    }

    private Flow ExecuteFor(For loop, Scope scope)
    {
        object? iterable = Evaluate(loop.Iterable, scope);
        Deeper(() => RunLoop(loop, iterable, scope, depth: 0));
        return Flow.Normal;
    }

    private object? RunLoop(For loop, object? iterable, Scope scope, int depth)
    {
        IEnumerable<object?> items = Python.Iterate(iterable);
        if (loop.Condition is { } condition)
            items = items.Where(item => Python.IsTrue(Evaluate(condition, Bound(item))));
        var context = new LoopContext([.. Counted(items)], depth, loop.IsRecursive ? Recurse : null);
        while (context.MoveNext())
        {
            Scope inner = Bound(context.Current);
            inner.Set("loop", context);
            if (Execute(loop.Body, inner) == Flow.Break)
                break;
        }
        if (context.IsEmpty)
            Execute(loop.Otherwise, new Scope(scope));
        return null;

        Scope Bound(object? item)
        {
            var inner = new Scope(scope);
            Assign(loop.Target, item, inner);
            return inner;
        }

        object? Recurse(object? children) => Captured(() => Deeper(() => RunLoop(loop, children, scope, depth + 1)));
    }

    private void Assign(Target target, object? value, Scope scope)
    {
        switch (target)
        {
            case NameTarget name:
                scope.Set(name.Identifier, value);
                break;
            case NamespaceTarget member:
                if (Lookup(member.Identifier, scope) is not PyNamespace space)
                    throw new JinjaException($"'{member.Identifier}' is no namespace, so its attribute '{member.Member}' cannot be set");
                space.Attributes[member.Member] = value;
                break;
            case TupleTarget tuple:
                object?[] items = [.. Counted(Python.Iterate(value))];
                if (items.Length != tuple.Items.Count)
                    throw new JinjaException($"{items.Length} values cannot be assigned to {tuple.Items.Count} names");
                for (int i = 0; i < items.Length; i++)
                    Assign(tuple.Items[i], items[i], scope);
                break;
        }
    }

    private PyFunction Define(string name, MacroSignature signature, IReadOnlyList<Statement> body, Scope scope) =>
        new(name, arguments => Deeper(() => Capture(body, BindMacro(name, signature, arguments, scope))));

    private Scope BindMacro(string name, MacroSignature signature, Arguments arguments, Scope outer)
    {
        var scope = new Scope(outer);
        var named = arguments.Named.GroupBy(n => n.Name).ToDictionary(g => g.Key, g => g.First().Value);
        int count = signature.Parameters.Count;
        List<string> missing = [];
        for (int i = 0; i < count; i++)
        {
            (string parameter, Expression? byDefault) = signature.Parameters[i];
            if (i < arguments.Positional.Count)
            {
                if (named.ContainsKey(parameter))
                    throw new JinjaException($"the macro '{name}' was given '{parameter}' twice");
                scope.Set(parameter, arguments.Positional[i]);
            }
            else if (named.Remove(parameter, out object? value))
                scope.Set(parameter, value);
            else
                scope.Set(parameter, byDefault is null ? new Undefined($"the parameter '{parameter}'") : Evaluate(byDefault, scope));
        }
        bool declaresCaller = signature.Parameters.Any(p => p.Name == "caller");
        if (signature.UsesCaller && !declaresCaller)
            scope.Set("caller", named.Remove("caller", out object? caller) ? caller : new Undefined("'caller'"));
        if (signature.UsesKwargs)
        {
            var rest = new PyDict();
            foreach ((string key, object? value) in named)
                rest[key] = value;
            scope.Set("kwargs", rest);
        }
        else if (named.Count > 0)
            throw new JinjaException($"the macro '{name}' has no parameter '{named.Keys.First()}'");
        if (signature.UsesVarargs)
            scope.Set("varargs", new PyTuple([.. arguments.Positional.Skip(count)]));
        else if (arguments.Positional.Count > count)
            throw new JinjaException($"the macro '{name}' takes at most {count} arguments and was given {arguments.Positional.Count}");
        return scope;
    }

    private string Capture(IReadOnlyList<Statement> body, Scope scope) => Captured(() => Execute(body, scope));

    /// <summary>What an action writes, as a value instead of output.</summary>
    private string Captured(Action action)
    {
        StringBuilder outer = _output;
        _output = new StringBuilder();
        try
        {
            action();
            return _output.ToString();
        }
        finally
        {
            _output = outer;
        }
    }

    private void Write(string text)
    {
        if (_output.Length + (long)text.Length > _limits.Characters)
            throw new JinjaException($"the output is longer than {_limits.Characters} characters");
        _output.Append(text);
    }

    /// <summary>Items, each of which is a step.</summary>
    public IEnumerable<object?> Counted(IEnumerable<object?> items)
    {
        foreach (object? item in items)
        {
            Step(_line);
            yield return item;
        }
    }

    private void Step(int line)
    {
        _line = line;
        if (++_steps > _limits.Steps)
            throw new JinjaException($"the template takes more than {_limits.Steps} steps");
    }

    private T Deeper<T>(Func<T> action)
    {
        if (++_depth > _limits.Depth)
            throw new JinjaException($"calls and loops are nested deeper than {_limits.Depth} levels");
        T result = action();
        _depth--;
        return result;
    }
}

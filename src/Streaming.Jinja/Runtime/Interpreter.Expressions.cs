using Streaming.Jinja.Syntax;
using Streaming.Jinja.Values;

namespace Streaming.Jinja.Runtime;

/// <content>Expressions.</content>
internal sealed partial class Interpreter
{
    private object? Evaluate(Expression expression, Scope scope)
    {
        Step(expression.Line);
        switch (expression)
        {
            case Constant constant:
                return constant.Value;
            case Name name:
                return Lookup(name.Identifier, scope);
            case ListLiteral list:
                return list.Items.Select(i => Evaluate(i, scope)).ToList();
            case TupleLiteral tuple:
                return new PyTuple([.. tuple.Items.Select(i => Evaluate(i, scope))]);
            case DictLiteral literal:
                var dict = new PyDict();
                foreach ((Expression key, Expression value) in literal.Items)
                    dict[Evaluate(key, scope)] = Evaluate(value, scope);
                return dict;
            case Unary { Operator: "not" } not:
                return !Python.IsTrue(Evaluate(not.Operand, scope));
            case Unary sign:
                return PythonOperators.Sign(sign.Operator, Evaluate(sign.Operand, scope));
            case Binary { Operator: "and" } and:
                object? first = Evaluate(and.Left, scope);
                return Python.IsTrue(first) ? Evaluate(and.Right, scope) : first;
            case Binary { Operator: "or" } or:
                object? left = Evaluate(or.Left, scope);
                return Python.IsTrue(left) ? left : Evaluate(or.Right, scope);
            case Binary binary:
                return PythonOperators.Apply(binary.Operator, Evaluate(binary.Left, scope), Evaluate(binary.Right, scope));
            case Concatenation concatenation:
                return Concatenate(concatenation, scope);
            case Comparison comparison:
                return Compare(comparison, scope);
            case Conditional conditional:
                return Python.IsTrue(Evaluate(conditional.Condition, scope)) ? Evaluate(conditional.Then, scope)
                    : conditional.Otherwise is { } otherwise ? Evaluate(otherwise, scope)
                    : new Undefined("the value of an inline 'if' without 'else'");
            case Syntax.Attribute attribute:
                return Members.GetAttribute(Evaluate(attribute.Object, scope), attribute.Member);
            case Item item:
                return EvaluateItem(item, scope);
            case Call call:
                return Invoke(Evaluate(call.Function, scope), call.Arguments, scope);
            case Filter filter:
                return ApplyFilter(filter, Evaluate(filter.Value!, scope), scope);
            case Test test:
                return EvaluateTest(test, scope);
            default:
                throw new JinjaException("a slice outside brackets");
        }
    }

    private static object? Lookup(string name, Scope scope) =>
        scope.TryGet(name, out object? value) ? value
        : name is "self" or "super" ? throw new JinjaException($"the name '{name}' is not supported")
        : new Undefined($"'{name}'");

    private string Concatenate(Concatenation concatenation, Scope scope)
    {
        string text = string.Concat(concatenation.Items.Select(i => Python.ToText(Evaluate(i, scope))));
        return text.Length <= _limits.Characters
            ? text
            : throw new JinjaException($"a value is longer than {_limits.Characters} characters");
    }

    private bool Compare(Comparison comparison, Scope scope)
    {
        object? left = Evaluate(comparison.First, scope);
        foreach ((string symbol, Expression operand) in comparison.Rest)
        {
            object? right = Evaluate(operand, scope);
            bool holds = symbol switch
            {
                "==" => Python.AreEqual(left, right),
                "!=" => !Python.AreEqual(left, right),
                "in" => Python.Contains(right, left),
                "not in" => !Python.Contains(right, left),
                "<" => Python.Compare(left, right) < 0,
                "<=" => Python.Compare(left, right) <= 0,
                ">" => Python.Compare(left, right) > 0,
                _ => Python.Compare(left, right) >= 0,
            };
            if (!holds)
                return false;
            left = right;
        }
        return true;
    }

    private object? EvaluateItem(Item item, Scope scope)
    {
        object? value = Evaluate(item.Object, scope);
        if (item.Key is not Slice slice)
            return Members.GetItem(value, Evaluate(item.Key, scope));
        object? start = Bound(slice.Start),
            stop = Bound(slice.Stop),
            step = Bound(slice.Step);
        if (value is Undefined missing)
            throw missing.Error();
        return PythonOperators.TrySlice(value, start, stop, step, out object? part)
            ? part
            : new Undefined($"a slice of a {Python.TypeName(value)}");

        object? Bound(Expression? bound) => bound is null ? null : Evaluate(bound, scope);
    }

    private object? Invoke(object? function, ArgumentList list, Scope scope, (string Name, object? Value)? extra = null)
    {
        string name = function is PyFunction named ? named.Name : Python.TypeName(function);
        return Deeper(() => Invoke(function, EvaluateArguments(name, list, scope, extra)));
    }

    /// <summary>Calls a function, macro or method.</summary>
    /// <exception cref="JinjaException">It is none.</exception>
    public static object? Invoke(object? function, Arguments arguments) =>
        function switch
        {
            PyFunction known => known.Call(arguments),
            IPyObject other => other.Call(arguments),
            Undefined missing => throw missing.Error(),
            _ => throw new JinjaException($"a {Python.TypeName(function)} cannot be called"),
        };

    private Arguments EvaluateArguments(string function, ArgumentList list, Scope scope, (string Name, object? Value)? extra = null)
    {
        List<object?> positional = [.. list.Positional.Select(a => Evaluate(a, scope))];
        if (list.Star is { } star)
            positional.AddRange(Python.Iterate(Evaluate(star, scope)));
        List<(string, object?)> named = [.. list.Named.Select(a => (a.Name, Evaluate(a.Value, scope)))];
        if (list.DoubleStar is { } doubleStar)
        {
            if (Evaluate(doubleStar, scope) is not PyDict dict)
                throw new JinjaException("'**' expects a dict");
            named.AddRange(
                dict.Items.Select(i => (i.Key as string ?? throw new JinjaException("'**' expects keys that are str"), i.Value))
            );
        }
        if (extra is { } one)
            named.Add(one);
        return new Arguments(function, positional, named);
    }

    private object? ApplyFilter(Filter filter, object? value, Scope scope)
    {
        Arguments arguments = EvaluateArguments(filter.FilterName, filter.Arguments, scope);
        return CallFilter(filter.FilterName, value, arguments);
    }

    /// <summary>Applies a filter by its name.</summary>
    public object? CallFilter(string name, object? value, Arguments arguments)
    {
        Step(_line);
        return Filters.Get(name)(this, value, arguments);
    }

    private bool EvaluateTest(Test test, Scope scope)
    {
        object? value = Evaluate(test.Value, scope);
        return CallTest(test.TestName, value, EvaluateArguments(test.TestName, test.Arguments, scope));
    }

    /// <summary>Applies a test by its name.</summary>
    public bool CallTest(string name, object? value, Arguments arguments)
    {
        Step(_line);
        return Tests.Get(name)(value, arguments);
    }
}

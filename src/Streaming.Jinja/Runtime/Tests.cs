using System.Collections.Frozen;
using System.Numerics;
using Streaming.Jinja.Values;

namespace Streaming.Jinja.Runtime;

/// <summary>Jinja2's tests.</summary>
internal static class Tests
{
    public delegate bool Function(object? value, Arguments arguments);

    private static readonly FrozenDictionary<string, Function> All = new Dictionary<string, Function>
    {
        ["boolean"] = None(v => v is bool),
        ["callable"] = None(v => v is PyFunction or IPyObject or Undefined),
        ["defined"] = None(v => v is not Undefined),
        ["divisibleby"] = One((v, n) => PythonNumber.Compare(PythonNumber.Calculate("%", Number(v), Number(n)), BigInteger.Zero) == 0),
        ["eq"] = One(Python.AreEqual),
        ["escaped"] = None(v => v is Markup),
        ["even"] = None(v => PythonNumber.Compare(PythonNumber.Calculate("%", Number(v), (BigInteger)2), BigInteger.Zero) == 0),
        ["false"] = None(v => v is false),
        ["filter"] = None(v => v is string name && Filters.Exists(name)),
        ["float"] = None(v => v is double),
        ["ge"] = One((v, other) => Python.Compare(v, other) >= 0),
        ["gt"] = One((v, other) => Python.Compare(v, other) > 0),
        ["in"] = One((v, container) => Python.Contains(container, v)),
        ["integer"] = None(v => v is BigInteger),
        ["iterable"] = None(v => Python.TryIterate(v, out _)),
        ["le"] = One((v, other) => Python.Compare(v, other) <= 0),
        ["lower"] = None(v => PythonCase.IsLower(Python.ToText(v))),
        ["lt"] = One((v, other) => Python.Compare(v, other) < 0),
        ["mapping"] = None(v => v is PyDict),
        ["ne"] = One((v, other) => !Python.AreEqual(v, other)),
        ["none"] = None(v => v is null),
        ["number"] = None(PythonNumber.IsNumber),
        ["odd"] = None(v => PythonNumber.Compare(PythonNumber.Calculate("%", Number(v), (BigInteger)2), BigInteger.One) == 0),
        ["sameas"] = One(AreSame),
        ["sequence"] = None(v => v is string or Markup or List<object?> or PyTuple or PyDict or PyRange or Undefined),
        ["string"] = None(v => v is string or Markup),
        ["test"] = None(v => v is string name && Exists(name)),
        ["true"] = None(v => v is true),
        ["undefined"] = None(v => v is Undefined),
        ["upper"] = None(v => PythonCase.IsUpper(Python.ToText(v))),
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, string> Aliases = new Dictionary<string, string>
    {
        ["=="] = "eq",
        ["equalto"] = "eq",
        ["!="] = "ne",
        [">"] = "gt",
        ["greaterthan"] = "gt",
        [">="] = "ge",
        ["<"] = "lt",
        ["lessthan"] = "lt",
        ["<="] = "le",
    }.ToFrozenDictionary();

    /// <summary>Whether Jinja2 has a test.</summary>
    public static bool Exists(string name) => All.ContainsKey(Aliases.GetValueOrDefault(name, name));

    /// <summary>A test.</summary>
    /// <exception cref="JinjaException">There is none of that name.</exception>
    public static Function Get(string name) =>
        All.GetValueOrDefault(Aliases.GetValueOrDefault(name, name)) ?? throw new JinjaException($"there is no test '{name}'");

    private static Function None(Func<object?, bool> test) =>
        (value, arguments) =>
        {
            arguments.BindNone();
            return test(value);
        };

    private static Function One(Func<object?, object?, bool> test) =>
        (value, arguments) => test(value, arguments.Bind(1, "other").Get("other"));

    private static bool AreSame(object? value, object? other) =>
        value is null or bool || other is null or bool
            ? Equals(value, other)
            : throw new JinjaException("the test 'sameas' is supported for true, false and none only");

    private static object? Number(object? value) =>
        PythonNumber.IsNumber(value) ? value : throw new JinjaException($"a number is expected, not a {Python.TypeName(value)}");
}

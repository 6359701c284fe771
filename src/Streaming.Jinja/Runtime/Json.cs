using System.Globalization;
using System.Numerics;
using System.Text;
using Streaming.Jinja.Values;

namespace Streaming.Jinja.Runtime;

/// <summary>
/// The filter <c>tojson</c> of Hugging Face transformers: Python's <c>json.dumps</c> with <c>ensure_ascii=False</c>. Nothing is escaped
/// for HTML.
/// </summary>
internal static class Json
{
    private const int Deepest = 100;

    /// <summary>Serialises a value.</summary>
    /// <exception cref="JinjaException">JSON has no such value, or it is nested too deeply.</exception>
    public static string Serialize(object? value, Arguments arguments)
    {
        BoundArguments bound = arguments.Bind(0, "ensure_ascii", "indent", "separators", "sort_keys");
        string? indent =
            bound.Get("indent") is string text ? text
            : bound.Has("indent") ? PythonOperators.Repeat(" ", bound.Integer("indent", 0))
            : null;
        (string item, string key) = indent is null ? (", ", ": ") : (",", ": ");
        if (bound.Has("separators"))
        {
            string[] given = [.. Python.Iterate(bound.Get("separators")).Select(Python.ToText)];
            (item, key) = given.Length == 2 ? (given[0], given[1]) : throw new JinjaException("'tojson' expects two separators");
        }
        var writer = new Writer(indent, item, key, bound.Flag("ensure_ascii"), bound.Flag("sort_keys"));
        writer.Write(value, 0);
        return writer.ToString();
    }

    private sealed class Writer(string? indent, string itemSeparator, string keySeparator, bool isAscii, bool isSorted)
    {
        private readonly StringBuilder _text = new();

        public override string ToString() => _text.ToString();

        public void Write(object? value, int depth)
        {
            if (depth > Deepest || _text.Length > PythonOperators.Longest)
                throw new JinjaException("a value for 'tojson' is nested too deeply or too long");
            switch (value)
            {
                case string or Markup:
                    WriteString(Python.ToText(value));
                    break;
                case List<object?> list:
                    WriteItems('[', ']', list, depth, item => Write(item, depth + 1));
                    break;
                case PyTuple tuple:
                    WriteItems('[', ']', tuple.Items, depth, item => Write(item, depth + 1));
                    break;
                case PyDict dict:
                    WriteItems('{', '}', Entries(dict), depth, entry => WriteEntry(entry, depth));
                    break;
                case null or bool or BigInteger or double:
                    _text.Append(Scalar(value));
                    break;
                default:
                    throw new JinjaException($"a {Python.TypeName(value)} is not serialisable as JSON");
            }
        }

        private List<(string Key, object? Value)> Entries(PyDict dict)
        {
            IEnumerable<(object? Key, object? Value)> items = dict.Items;
            if (isSorted)
                items = items.OrderBy(i => i.Key, Comparer<object?>.Create((a, b) => Python.Compare(a, b) ?? 0));
            return
            [
                .. items.Select(i =>
                    (
                        i.Key is string key ? key
                        : i.Key is PyTuple ? throw new JinjaException("a tuple is no key of JSON")
                        : Scalar(i.Key),
                        i.Value
                    )
                ),
            ];
        }

        private void WriteEntry((string Key, object? Value) entry, int depth)
        {
            WriteString(entry.Key);
            _text.Append(keySeparator);
            Write(entry.Value, depth + 1);
        }

        private void WriteItems<T>(char open, char close, IReadOnlyList<T> items, int depth, Action<T> write)
        {
            _text.Append(open);
            for (int i = 0; i < items.Count; i++)
            {
                if (i > 0)
                    _text.Append(itemSeparator);
                NewLine(depth + 1);
                write(items[i]);
            }
            if (items.Count > 0)
                NewLine(depth);
            _text.Append(close);
        }

        private void NewLine(int depth)
        {
            if (indent is not null)
                _text.Append('\n').Append(PythonOperators.Repeat(indent, depth));
        }

        private static string Scalar(object? value) =>
            value switch
            {
                null => "null",
                bool b => b ? "true" : "false",
                double d when double.IsNaN(d) => "NaN",
                double d when double.IsInfinity(d) => d > 0 ? "Infinity" : "-Infinity",
                double d => PythonNumber.Represent(d),
                BigInteger i => i.ToString(CultureInfo.InvariantCulture),
                _ => throw new JinjaException($"a {Python.TypeName(value)} is no key of JSON"),
            };

        private void WriteString(string text)
        {
            _text.Append('"');
            foreach (char c in text)
            {
                string? escape = c switch
                {
                    '"' => "\\\"",
                    '\\' => "\\\\",
                    '\n' => "\\n",
                    '\r' => "\\r",
                    '\t' => "\\t",
                    '\f' => "\\f",
                    '\b' => "\\b",
                    _ => null,
                };
                if (escape is not null)
                    _text.Append(escape);
                else if (c < ' ' || (isAscii && c > '~'))
                    _text.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
                else
                    _text.Append(c);
            }
            _text.Append('"');
        }
    }
}

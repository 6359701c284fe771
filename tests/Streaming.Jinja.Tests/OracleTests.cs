using System.Text.Json;
using Streaming.Jinja.Templates;

namespace Streaming.Jinja.Tests;

/// <summary>Templates against what Python's Jinja2 made of them (Oracle/make_cases.py).</summary>
public class OracleTests
{
    /// <summary>Templates that Python renders and we refuse, with the reason that we give.</summary>
    private static readonly string[] Refused =
    [
        "{{ (-1) ** 0.5 }}: a negative number to a fraction is a complex number",
        "{{ d.get }}: a function has no text: Python would print its address in memory",
        "{{ s.upper }}: a function has no text: Python would print its address in memory",
        "{{ '{:c}'.format(65) }}: a int takes no format 'c'",
        "{{ d|attr('keys') }}: a function has no text: Python would print its address in memory",
        "{{ s|attr('upper') }}: a function has no text: Python would print its address in memory",
        "{{ 1|items }}: 'items' expects a dict, not a int",
        "{{ xs|map('upper') }}: a generator has no text: Python would print its address in memory",
        "{{ (xs|select('gt', 9)) or 'x' }}: a generator has no text: Python would print its address in memory",
        "{{ 'a b'|e|upper }}: a filter of text on a value marked as safe is not supported",
        "{{ [1]|pprint }}: the filter 'pprint' is not supported",
        "{{ [1]|random }}: the filter 'random' is not supported",
        "{{ 'a b'|wordwrap(1) }}: the filter 'wordwrap' is not supported",
        "{{ 'x'|urlize }}: the filter 'urlize' is not supported",
        "{{ {'a': 1}|xmlattr }}: the filter 'xmlattr' is not supported",
        "{{ dict is lower }}: a function has no text: Python would print its address in memory",
        "{{ dict is upper }}: a function has no text: Python would print its address in memory",
        "{{ 'abc'.upper is lower }}: a function has no text: Python would print its address in memory",
        "{{ 'abc'.upper is upper }}: a function has no text: Python would print its address in memory",
        "{{ [1]|map('upper') is lower }}: a generator has no text: Python would print its address in memory",
        "{{ [1]|map('upper') is upper }}: a generator has no text: Python would print its address in memory",
        "{#: a comment '{#' is not ended by '#}'",
        "{{ namespace() }}: a Namespace has no text: Python would print its address in memory",
        "{{ self }}: the name 'self' is not supported",
    ];

    [Fact]
    public void Renders_or_refuses_every_template_as_Python_does()
    {
        using var cases = JsonDocument.Parse(typeof(OracleTests).Assembly.GetManifestResourceStream("cases.json")!);
        List<string> differences = [];
        List<string> refused = [];
        foreach (JsonElement record in cases.RootElement.EnumerateArray())
        {
            string template = record.GetProperty("template").GetString()!;
            string? expected = record.TryGetProperty("expected", out JsonElement text) ? text.GetString() : null;
            (string? actual, string? error) = Render(template, Variables(record.GetProperty("variables")));
            if (expected is not null && actual is null)
                refused.Add($"{template}: {error}");
            else if (expected != actual)
                differences.Add($"{template} with {record.GetProperty("variables")}: expected {Quote(expected)}, got {Quote(actual)}");
        }
        Assert.True(differences.Count == 0, string.Join('\n', differences));
        Assert.True(Refused.SequenceEqual(refused), string.Join('\n', refused));
    }

    private static (string? Text, string? Error) Render(string template, Dictionary<string, object?> variables)
    {
        try
        {
            return (JinjaTemplate.Parse(template).Render(variables, format => $"<{format}>"), null);
        }
        catch (JinjaException e)
        {
            return (null, e.Message);
        }
        catch (Exception e)
        {
            return ($"a {e.GetType().Name}, which is no error of a template", null);
        }
    }

    private static string Quote(string? text) => text is null ? "an error" : JsonSerializer.Serialize(text);

    private static Dictionary<string, object?> Variables(JsonElement json) =>
        json.EnumerateObject().ToDictionary(p => p.Name, p => Value(p.Value));

    private static object? Value(JsonElement json) =>
        json.ValueKind switch
        {
            JsonValueKind.Null => null,
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            JsonValueKind.String => json.GetString(),
            JsonValueKind.Number => json.TryGetInt64(out long integer) ? (object)integer : json.GetDouble(),
            JsonValueKind.Array => json.EnumerateArray().Select(Value).ToList(),
            _ => Variables(json),
        };
}

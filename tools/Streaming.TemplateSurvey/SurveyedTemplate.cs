using System.Text.Json;
using Streaming.Jinja;
using Streaming.Jinja.Templates;

namespace Streaming.TemplateSurvey;

/// <summary>How a template fared.</summary>
internal enum Verdict
{
    /// <summary>Every dialogue is rendered alike, or refused by both.</summary>
    Equal,

    /// <summary>Python renders none of the dialogues, and neither do we.</summary>
    RefusedByBoth,

    /// <summary>Python renders a dialogue that we refuse.</summary>
    RefusedByUs,

    /// <summary>A rendering differs, or we render what Python refuses.</summary>
    Different,
}

/// <summary>A public template, and what became of it.</summary>
/// <param name="Source">The repository that it is from.</param>
/// <param name="Name">Its file or title there.</param>
/// <param name="Verdict">How it fared.</param>
/// <param name="Reason">Why it was refused, or where it differs; empty when it is equal.</param>
internal sealed record SurveyedTemplate(string Source, string Name, Verdict Verdict, string Reason)
{
    /// <summary>Renders the dialogues of one line of <c>render_templates.py</c> and compares.</summary>
    public static SurveyedTemplate Compare(string line)
    {
        using var json = JsonDocument.Parse(line);
        JsonElement root = json.RootElement;
        string template = root.GetProperty("template").GetString()!;
        string ours = "",
            python = "",
            different = "";
        bool rendered = false,
            refusedByUs = false;
        foreach (JsonElement render in root.GetProperty("renders").EnumerateArray())
        {
            string? expected = render.TryGetProperty("expected", out JsonElement text) ? text.GetString() : null;
            (string? actual, string error) = Render(template, render.GetProperty("variables"));
            rendered |= expected is not null;
            if (expected is null)
                python = render.GetProperty("error").GetString()!;
            if (actual is null)
                ours = error;
            if (expected is not null && actual is null)
                refusedByUs = true;
            else if (expected != actual)
                different = expected is null ? "we render what Python refuses: " + python : FirstDifference(expected, actual!);
        }
        Verdict verdict =
            different.Length > 0 ? Verdict.Different
            : refusedByUs ? Verdict.RefusedByUs
            : rendered ? Verdict.Equal
            : Verdict.RefusedByBoth;
        string reason = verdict switch
        {
            Verdict.Different => different,
            Verdict.Equal => "",
            _ => ours,
        };
        return new SurveyedTemplate(root.GetProperty("source").GetString()!, root.GetProperty("name").GetString()!, verdict, reason);
    }

    private static (string? Text, string Error) Render(string template, JsonElement variables)
    {
        try
        {
            var values = variables.EnumerateObject().ToDictionary(p => p.Name, p => Value(p.Value));
            return (JinjaTemplate.Parse(template).Render(values, format => $"<{format}>"), "");
        }
        catch (JinjaException e)
        {
            return (null, $"{e.Message} (line {e.Line})");
        }
    }

    private static object? Value(JsonElement json) =>
        json.ValueKind switch
        {
            JsonValueKind.Null => null,
            JsonValueKind.True => true,
            JsonValueKind.String => json.GetString(),
            JsonValueKind.Array => json.EnumerateArray().Select(Value).ToList(),
            JsonValueKind.Object => json.EnumerateObject().ToDictionary(p => p.Name, p => Value(p.Value)),
            _ => throw new InvalidDataException($"A dialogue holds a {json.ValueKind}."),
        };

    private static string FirstDifference(string expected, string actual)
    {
        int at = expected.AsSpan().CommonPrefixLength(actual);
        return $"at {at}: {JsonSerializer.Serialize(Part(expected))} in Python, {JsonSerializer.Serialize(Part(actual))} here";

        string Part(string text) => text[at..Math.Min(at + 40, text.Length)];
    }
}

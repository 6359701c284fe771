using System.Text.Encodings.Web;
using System.Text.Json;

namespace Streaming.Cli.Reports;

/// <summary>Formats results as JSON: one object on one line, with names in camelCase.</summary>
internal static class ResultJson
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // the output is a terminal or a file, never HTML
    };

    public static string Of<T>(T result) => JsonSerializer.Serialize(result, Options);
}

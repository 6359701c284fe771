using System.Text.Encodings.Web;
using System.Text.Json;

namespace Streaming.Cli.Reports;

/// <summary>Results as JSON: one object on one line, names in camelCase.</summary>
internal static class ResultJson
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // a terminal or a file, never a page
    };

    public static string Of<T>(T result) => JsonSerializer.Serialize(result, Options);
}

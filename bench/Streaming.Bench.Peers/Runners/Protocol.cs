using System.Text.Json;
using System.Text.Json.Serialization;

namespace Streaming.Bench.Peers.Runners;

/// <summary>A request to a runner: one line of JSON on its standard input.</summary>
/// <param name="Measure">What to measure: one of <see cref="Measures"/>.</param>
internal sealed record RunnerRequest(string Measure)
{
    /// <summary>Conversations in a step.</summary>
    public int Conversations { get; init; }

    /// <summary>Threads of its computations.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Tokens of a prompt, or of each conversation.</summary>
    public int Tokens { get; init; }

    /// <summary>Tokens of a prompt that are fed at once.</summary>
    public int Chunk { get; init; }

    /// <summary>Bytes to read.</summary>
    public long Bytes { get; init; }

    /// <summary>How long to measure.</summary>
    public double Milliseconds { get; init; }

    /// <summary>Least number of repetitions.</summary>
    public int Least { get; init; } = 1;
}

/// <summary>A runner's answer: one line of JSON on its standard output.</summary>
internal sealed record RunnerReply
{
    /// <summary>Milliseconds of each step, prompt or pass.</summary>
    public double[]? Ms { get; init; }

    /// <summary>Logits of a prompt's last token.</summary>
    public float[]? Logits { get; init; }

    /// <summary>Tokens per second.</summary>
    public double? Rate { get; init; }

    /// <summary>On the first line: the runner's description of itself.</summary>
    public string? Description { get; init; }

    /// <summary>One sentence if there is no result.</summary>
    public string? Error { get; init; }
}

/// <summary>What a runner can measure.</summary>
internal static class Measures
{
    public const string Decode = "decode",
        Prompt = "prompt",
        Logits = "logits",
        Read = "read",
        Rate = "rate";
}

/// <summary>Lines of JSON.</summary>
internal static class JsonLines
{
    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public static string Of<T>(T value) => JsonSerializer.Serialize(value, Json);

    public static T Read<T>(string line) =>
        JsonSerializer.Deserialize<T>(line, Json) ?? throw new InvalidDataException($"A line is empty; {typeof(T).Name} was expected.");
}

using System.Text.Json;
using System.Text.Json.Serialization;

namespace Streaming.Bench.Peers.Sides;

/// <summary>What a side is asked for: one line of JSON on its standard input.</summary>
/// <param name="Measure">Its name: see <see cref="Measures"/>.</param>
internal sealed record SideRequest(string Measure)
{
    /// <summary>Conversations in a step.</summary>
    public int Conversations { get; init; }

    /// <summary>Threads of the side's computations.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Tokens of a prompt, or of each conversation.</summary>
    public int Tokens { get; init; }

    /// <summary>Tokens of a prompt that are fed at once.</summary>
    public int Chunk { get; init; }

    /// <summary>Bytes to read.</summary>
    public long Bytes { get; init; }

    /// <summary>How long to go on.</summary>
    public double Milliseconds { get; init; }

    /// <summary>Times it is done at least.</summary>
    public int Least { get; init; } = 1;
}

/// <summary>What it answers: one line of JSON on its standard output.</summary>
internal sealed record SideReply
{
    /// <summary>Milliseconds of each step, prompt or pass.</summary>
    public double[]? Ms { get; init; }

    /// <summary>Logits of a prompt's last token.</summary>
    public float[]? Logits { get; init; }

    /// <summary>Tokens per second.</summary>
    public double? Rate { get; init; }

    /// <summary>How it works, in words.</summary>
    public string? Says { get; init; }

    /// <summary>Why there is no answer: one sentence.</summary>
    public string? Error { get; init; }
}

/// <summary>What may be asked for.</summary>
internal static class Measures
{
    public const string Decode = "decode",
        Prompt = "prompt",
        Logits = "logits",
        Read = "read",
        Rate = "rate";
}

/// <summary>Lines of JSON.</summary>
internal static class Lines
{
    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public static string Of<T>(T value) => JsonSerializer.Serialize(value, Json);

    public static T Read<T>(string line) =>
        JsonSerializer.Deserialize<T>(line, Json) ?? throw new InvalidDataException($"An empty line where {typeof(T).Name} should be.");
}

using Streaming.Inference.Checkpoints;

namespace Streaming.Inference.Tokenizing;

/// <summary>A tokenizer's <c>normalizer</c>, which plain text passes before it is split into pieces.</summary>
internal static class Normalizer
{
    /// <summary>Reads a normalizer; null for none.</summary>
    public static Func<string, string>? Read(ConfigReader? normalizer)
    {
        if (normalizer is null)
            return null;
        switch (normalizer.Text("type"))
        {
            case "Sequence":
                Func<string, string>[] steps = [.. normalizer.Sections("normalizers").Select(n => Read(n)!)];
                return text => steps.Aggregate(text, (t, step) => step(t));
            case "Prepend":
                string prefix = normalizer.Text("prepend");
                return text => text.Length == 0 ? text : prefix + text;
            case "Replace":
                string pattern =
                    normalizer.Section("pattern").TextIfPresent("String")
                    ?? throw normalizer.Unsupported("pattern", "use a tokenizer that replaces a \"String\"");
                string content = normalizer.Text("content");
                return text => text.Replace(pattern, content, StringComparison.Ordinal);
            case "NFC":
                return CanonicalComposition.Of;
            default:
                throw normalizer.Unsupported("type", "use a tokenizer with NFC, Prepend, Replace or none");
        }
    }
}

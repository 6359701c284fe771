using Streaming.Inference.Checkpoints;

namespace Streaming.Inference.Tokenizing;

/// <summary>A tokenizer's <c>normalizer</c>, which plain text passes before it is split into pieces.</summary>
internal sealed class Normalizer
{
    private readonly List<Func<string, SectionStart, string>> _steps = [];

    private Normalizer() { }

    /// <summary>Reads a normalizer; null for none.</summary>
    public static Normalizer Read(ConfigReader? section)
    {
        var result = new Normalizer();
        if (section is not null)
            result.Add(section);
        return result;
    }

    /// <summary>Normalizes a text.</summary>
    /// <param name="text">A text, or the part of it between two added tokens.</param>
    /// <param name="start">What comes before it.</param>
    public string Apply(string text, SectionStart start)
    {
        foreach (Func<string, SectionStart, string> step in _steps)
            text = step(text, start);
        return text;
    }

    private void Add(ConfigReader section)
    {
        switch (section.Text("type"))
        {
            case "Sequence":
                foreach (ConfigReader inner in section.Sections("normalizers"))
                    Add(inner);
                break;
            case "Prepend":
                string prefix = section.Text("prepend");
                _steps.Add((text, start) => text.Length == 0 || start == SectionStart.Inside ? text : prefix + text);
                break;
            case "Replace":
                string pattern =
                    section.Section("pattern").TextIfPresent("String")
                    ?? throw section.Unsupported("pattern", "use a tokenizer that replaces a \"String\"");
                if (pattern.Length == 0)
                    throw section.Wrong("pattern", "a text that is not empty");
                string content = section.Text("content");
                _steps.Add((text, _) => text.Replace(pattern, content, StringComparison.Ordinal));
                break;
            case "NFC":
                _steps.Add((text, _) => CanonicalComposition.Of(text));
                break;
            default:
                throw section.Unsupported("type", "use a tokenizer with NFC, Prepend, Replace or none");
        }
    }
}

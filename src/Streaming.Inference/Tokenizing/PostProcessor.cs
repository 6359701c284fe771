using Streaming.Inference.Checkpoints;

namespace Streaming.Inference.Tokenizing;

/// <summary>The tokens that a tokenizer's <c>post_processor</c> adds to a text.</summary>
/// <param name="Before">Tokens before the text, usually BOS or none.</param>
/// <param name="After">Tokens after the text, usually none.</param>
internal sealed record PostProcessor(int[] Before, int[] After)
{
    private static readonly PostProcessor None = new([], []);

    /// <summary>Reads a post-processor; null for none.</summary>
    public static PostProcessor Read(ConfigReader? section)
    {
        switch (section?.Text("type"))
        {
            case null or "ByteLevel": // ByteLevel only trims offsets, which are not used here
                return None;
            case "TemplateProcessing":
                return ReadTemplate(section);
            case "Sequence":
                return section
                    .Sections("processors")
                    .Select(Read)
                    .Aggregate(
                        None,
                        (outer, inner) => new PostProcessor([.. inner.Before, .. outer.Before], [.. outer.After, .. inner.After])
                    );
            default:
                throw section.Unsupported("type", "use a tokenizer with TemplateProcessing, ByteLevel or none");
        }
    }

    private static PostProcessor ReadTemplate(ConfigReader section)
    {
        var before = new List<int>();
        var after = new List<int>();
        bool met = false;
        foreach (ConfigReader part in section.Sections("single"))
        {
            if (part.Has("Sequence"))
                met = true;
            else
                (met ? after : before).AddRange(
                    section.Section("special_tokens").Section(part.Section("SpecialToken").Text("id")).Ints("ids")
                );
        }
        return met ? new PostProcessor([.. before], [.. after]) : throw section.Wrong("single", "a template with a Sequence");
    }
}

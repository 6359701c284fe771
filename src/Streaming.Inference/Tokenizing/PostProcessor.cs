using System.Text.Json;
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

    /// <summary>
    /// The tokens that <c>add_bos_token</c> and <c>add_eos_token</c> of <c>tokenizer_config.json</c> add, which replace the file's own
    /// as in Hugging Face transformers 5; this one if both are absent.
    /// </summary>
    /// <param name="config">The file; null if there is none.</param>
    /// <param name="idOf">The id of a token by its text.</param>
    public PostProcessor With(ConfigReader? config, Func<string, int?> idOf)
    {
        if (config is null || !(config.Has("add_bos_token") || config.Has("add_eos_token")))
            return this;
        // Before transformers 5 these classes added BOS unless told otherwise, and their files say only what differs.
        bool addsBos =
            config.TextIfPresent("tokenizer_class") is string name
            && BosByDefault.Contains(name.Replace("Fast", "", StringComparison.Ordinal));
        return new PostProcessor(Added("add_bos_token", "bos_token", addsBos), Added("add_eos_token", "eos_token", false));

        int[] Added(string flag, string name, bool whenAbsent)
        {
            if (!config.Bool(flag, whenAbsent) || SpecialToken(config, name) is not string token)
                return [];
            return idOf(token) is int id ? [id] : throw config.Wrong(name, "a token of tokenizer.json");
        }
    }

    private static readonly string[] BosByDefault = ["LlamaTokenizer", "CodeLlamaTokenizer", "GemmaTokenizer", "CohereTokenizer"];

    private static string? SpecialToken(ConfigReader config, string name) =>
        config.Find(name) is { ValueKind: JsonValueKind.Object } ? config.Section(name).Text("content") : config.TextIfPresent(name);

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

using System.Globalization;
using System.Text.Json;
using Streaming.Inference.Checkpoints;

namespace Streaming.Inference.Tokenizing;

/// <summary>Reads the <c>model</c> of a <c>tokenizer.json</c>.</summary>
internal static class BpeModelReader
{
    /// <param name="model">The section <c>model</c>.</param>
    /// <param name="byteLevel">Whether the pre-tokenizer is byte-level.</param>
    /// <param name="control">Texts of control tokens.</param>
    /// <param name="vocabulary">The vocabulary, as read.</param>
    public static BpeModel Read(ConfigReader model, bool byteLevel, IReadOnlySet<string> control, out Dictionary<string, int> vocabulary)
    {
        if (model.TextIfPresent("type") is not (null or "BPE"))
            throw model.Unsupported("type", "use a tokenizer of the type \"BPE\"");
        foreach (string field in new[] { "continuing_subword_prefix", "end_of_word_suffix" })
        {
            if (!string.IsNullOrEmpty(model.TextIfPresent(field)))
                throw model.Unsupported(field, "use a tokenizer without it");
        }
        if (model.Double("dropout", 0) != 0)
            throw model.Unsupported("dropout", "use a tokenizer without it, or set it to null");

        vocabulary = Vocabulary(model);
        Dictionary<long, (int, int)> merges = Merges(model, vocabulary, control);
        int? unknown = null;
        if (model.TextIfPresent("unk_token") is string token)
            unknown = vocabulary.TryGetValue(token, out int id) ? id : throw model.Wrong("unk_token", "a token of the vocabulary");
        Dictionary<string, int>? whole = null;
        if (model.Bool("ignore_merges", whenAbsent: false))
            whole = new Dictionary<string, int>(vocabulary.Where(entry => !control.Contains(entry.Key)));
        return new BpeModel(
            byteLevel,
            Characters(vocabulary, control),
            new BytePairMerges(merges),
            whole,
            ByteTokens(model, vocabulary),
            unknown,
            model.Bool("fuse_unk", whenAbsent: false)
        );
    }

    private static Dictionary<string, int> Vocabulary(ConfigReader model)
    {
        ConfigReader section = model.Section("vocab");
        var vocabulary = new Dictionary<string, int>();
        foreach (JsonProperty entry in model.Find("vocab")!.Value.EnumerateObject())
        {
            if (entry.Value.ValueKind != JsonValueKind.Number || !entry.Value.TryGetInt32(out int id) || id < 0)
                throw section.Wrong(entry.Name, "a token's id");
            vocabulary[entry.Name] = id;
        }
        return vocabulary;
    }

    /// <summary>
    /// Merges by pairs of ids, written as "a b" or as ["a", "b"]. Merges into a control token are left out, because text must never
    /// produce one.
    /// </summary>
    private static Dictionary<long, (int, int)> Merges(ConfigReader model, Dictionary<string, int> vocabulary, IReadOnlySet<string> control)
    {
        var merges = new Dictionary<long, (int, int)>();
        int rank = 0;
        foreach (JsonElement merge in model.List("merges"))
        {
            (string left, string right) = Parts(model, merge);
            if (
                !vocabulary.TryGetValue(left, out int leftId)
                || !vocabulary.TryGetValue(right, out int rightId)
                || !vocabulary.TryGetValue(left + right, out int id)
            )
            {
                throw new InputException(
                    $"'{model.File}': the merge {rank} ('{left}' with '{right}') has tokens that the vocabulary lacks: "
                        + "copy the file again from its source."
                );
            }
            if (!control.Contains(left + right))
                merges.TryAdd(BytePairMerges.Pair(leftId, rightId), (rank, id));
            rank++;
        }
        return merges;
    }

    private static (string Left, string Right) Parts(ConfigReader model, JsonElement merge)
    {
        if (merge.ValueKind == JsonValueKind.String && merge.GetString()!.Split(' ') is [string left, string right])
            return (left, right);
        if (
            merge.ValueKind == JsonValueKind.Array
            && merge.GetArrayLength() == 2
            && merge[0].ValueKind == JsonValueKind.String
            && merge[1].ValueKind == JsonValueKind.String
        )
        {
            return (merge[0].GetString()!, merge[1].GetString()!);
        }
        throw model.Wrong("merges", "a list of pairs of tokens");
    }

    /// <summary>Tokens of one character, into which pieces are split before merging.</summary>
    private static Dictionary<string, int> Characters(Dictionary<string, int> vocabulary, IReadOnlySet<string> control) =>
        new(
            vocabulary.Where(entry =>
                !control.Contains(entry.Key) && (entry.Key.Length == 1 || (entry.Key.Length == 2 && char.IsSurrogatePair(entry.Key, 0)))
            )
        );

    /// <summary>The token of each byte to which unknown characters fall back, -1 for none.</summary>
    private static int[] ByteTokens(ConfigReader model, Dictionary<string, int> vocabulary)
    {
        bool fallsBack = model.Bool("byte_fallback", whenAbsent: false);
        return [.. Enumerable.Range(0, 256).Select(b => fallsBack ? vocabulary.GetValueOrDefault(ByteToken((byte)b), -1) : -1)];
    }

    /// <summary>SentencePiece's text for a byte token.</summary>
    private static string ByteToken(byte value) => $"<0x{value:X2}>";

    /// <summary>The byte of a SentencePiece byte token; null for any other token.</summary>
    public static byte? ByteOf(string token) =>
        token.Length == 6
        && token.StartsWith("<0x", StringComparison.Ordinal)
        && token[5] == '>'
        && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value)
            ? value
            : null;
}

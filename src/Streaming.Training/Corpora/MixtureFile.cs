using System.Text.Json;
using System.Text.Json.Serialization;
using Streaming.Inference;

namespace Streaming.Training.Corpora;

/// <summary>What kind of talk a source teaches; a system prompt names it.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<TalkKind>))]
internal enum TalkKind
{
    /// <summary>Talk about this and that, with the model as itself.</summary>
    Chat,

    /// <summary>Talk between two people, one of whom the model plays.</summary>
    Person,

    /// <summary>Stories.</summary>
    Story,

    /// <summary>Questions, errands and bookings.</summary>
    Assistant,
}

/// <summary>One source of a mixture; exactly one of <see cref="Dialogues"/>, <see cref="Text"/> and <see cref="Generator"/>.</summary>
internal sealed record SourceDescription
{
    /// <summary>Its name, the same from run to run.</summary>
    public required string Name { get; init; }

    /// <summary>Its part of the training tokens, in proportion to the other sources'.</summary>
    public required double Share { get; init; }

    /// <summary>What it teaches.</summary>
    public required TalkKind Kind { get; init; }

    /// <summary>The share of its dialogues that begin with a system prompt.</summary>
    public double SystemPromptShare { get; init; } = 0.5;

    /// <summary>Where it comes from, for the model card.</summary>
    public string? Origin { get; init; }

    /// <summary>Its licence, for the model card.</summary>
    public string? Licence { get; init; }

    /// <summary>A JSONL file of dialogues.</summary>
    public string? Dialogues { get; init; }

    /// <summary>Of <see cref="Dialogues"/>, only those of this <c>source</c>; null for all.</summary>
    public string? Only { get; init; }

    /// <summary>A text file.</summary>
    public string? Text { get; init; }

    /// <summary>The line between two texts of <see cref="Text"/>; null where it is one text.</summary>
    public string? Separator { get; init; }

    /// <summary>A generator of dialogues, one of <see cref="GeneratorNames"/>.</summary>
    public string? Generator { get; init; }

    /// <summary>The source whose training texts the generator tells.</summary>
    public string? StoriesOf { get; init; }
}

/// <summary>What a training reads, and in what proportions.</summary>
internal sealed record MixtureFile
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    /// <summary>The sources.</summary>
    public required IReadOnlyList<SourceDescription> Sources { get; init; }

    /// <summary>System prompts by kind of talk.</summary>
    public required IReadOnlyDictionary<TalkKind, IReadOnlyList<string>> SystemPrompts { get; init; }

    /// <summary>Reads a mixture.</summary>
    /// <exception cref="InputException">It cannot be read, or says what cannot be.</exception>
    public static MixtureFile Read(string path)
    {
        try
        {
            MixtureFile mixture = JsonSerializer.Deserialize<MixtureFile>(File.ReadAllBytes(path), Json)!;
            mixture.Check(path);
            return mixture;
        }
        catch (JsonException e)
        {
            throw new InputException($"'{path}' is no mixture ({e.Message.TrimEnd('.')}): see models/mixture.json for one.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"'{path}' cannot be read ({e.Message}): name a mixture that exists and may be read.", e);
        }
    }

    private void Check(string path)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (SourceDescription source in Sources)
        {
            string what = $"'{path}': the source '{source.Name}'";
            if (!names.Add(source.Name))
                throw new InputException($"{what} is there twice: give each a name of its own.");
            if (!(source.Share >= 0 && double.IsFinite(source.Share)))
                throw new InputException($"{what} has the share {source.Share}: take a number of 0 or more.");
            if (((string?[])[source.Dialogues, source.Text, source.Generator]).Count(o => o is not null) != 1)
                throw new InputException($"{what} must have exactly one of dialogues, text and generator.");
            if (source.Generator is string generator && !GeneratorNames.All.Contains(generator))
                throw new InputException($"{what} names the generator '{generator}': take {string.Join(", ", GeneratorNames.All)}.");
            if (source.Generator is GeneratorNames.StoryRequests or GeneratorNames.EndlessStories && source.StoriesOf is null)
                throw new InputException($"{what} tells stories: name their source in storiesOf.");
            if (source.StoriesOf is string from && !Sources.Any(s => s.Name == from && s.Text is not null))
                throw new InputException($"{what} tells stories of '{from}', which is no source of text here: name one.");
        }
        if (!Sources.Any(s => s.Share > 0))
            throw new InputException($"'{path}' gives no source a share: there is nothing to learn from.");
        if (
            Sources
                .Select(s => s.Kind)
                .Distinct()
                .FirstOrDefault(
                    k => !SystemPrompts.TryGetValue(k, out IReadOnlyList<string>? prompts) || prompts.Count == 0,
                    (TalkKind)(-1)
                )
                is var bare
            && bare >= 0
        )
            throw new InputException($"'{path}' has no system prompts for the kind '{bare}': add some to systemPrompts.");
    }
}

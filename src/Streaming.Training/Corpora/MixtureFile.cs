using System.Text.Json;
using System.Text.Json.Serialization;
using Streaming.Inference;

namespace Streaming.Training.Corpora;

/// <summary>The kind of conversation that a source teaches; its system prompts name it.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<TalkKind>))]
internal enum TalkKind
{
    /// <summary>Small talk in which the model speaks as itself.</summary>
    Chat,

    /// <summary>Dialogue between two people, one of whom the model plays.</summary>
    Person,

    /// <summary>Stories.</summary>
    Story,

    /// <summary>Questions, tasks and bookings.</summary>
    Assistant,
}

/// <summary>
/// One source of a mixture, with exactly one of <see cref="Dialogues"/>, <see cref="Text"/> and <see cref="Generator"/>.
/// </summary>
internal sealed record SourceDescription
{
    /// <summary>The name under which its progress is stored; keep it from run to run.</summary>
    public required string Name { get; init; }

    /// <summary>Its share of the training tokens, relative to the other sources' shares.</summary>
    public required double Share { get; init; }

    /// <summary>The kind of conversation that it teaches.</summary>
    public required TalkKind Kind { get; init; }

    /// <summary>The share of its dialogues that begin with a system prompt.</summary>
    public double SystemPromptShare { get; init; } = 0.5;

    /// <summary>The origin, for the model card.</summary>
    public string? Origin { get; init; }

    /// <summary>The licence, for the model card.</summary>
    public string? Licence { get; init; }

    /// <summary>A JSONL file of dialogues.</summary>
    public string? Dialogues { get; init; }

    /// <summary>Selects the lines of <see cref="Dialogues"/> with this <c>source</c>; null for all.</summary>
    public string? Only { get; init; }

    /// <summary>A text file.</summary>
    public string? Text { get; init; }

    /// <summary>The line that separates the stories in <see cref="Text"/>; null if the file is one text.</summary>
    public string? Separator { get; init; }

    /// <summary>A generator of dialogues, one of <see cref="GeneratorNames"/>.</summary>
    public string? Generator { get; init; }

    /// <summary>The source whose training stories the generator uses.</summary>
    public string? StoriesOf { get; init; }
}

/// <summary>The sources of a training and their proportions, as read from a JSON file.</summary>
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

    /// <summary>System prompts by kind of conversation.</summary>
    public required IReadOnlyDictionary<TalkKind, IReadOnlyList<string>> SystemPrompts { get; init; }

    /// <summary>Reads a mixture.</summary>
    /// <exception cref="InputException">The file cannot be read or is invalid.</exception>
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
            throw new InputException($"'{path}' is not a mixture ({e.Message.TrimEnd('.')}): see models/mixture.json for an example.", e);
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
                throw new InputException($"{what} is there twice: give each source its own name.");
            if (!(source.Share >= 0 && double.IsFinite(source.Share)))
                throw new InputException($"{what} has the share {source.Share}: use a number of at least 0.");
            if (((string?[])[source.Dialogues, source.Text, source.Generator]).Count(o => o is not null) != 1)
                throw new InputException($"{what} must have exactly one of dialogues, text and generator: remove the others.");
            if (source.Generator is string generator && !GeneratorNames.All.Contains(generator))
                throw new InputException($"{what} has the unknown generator '{generator}': use {string.Join(", ", GeneratorNames.All)}.");
            if (source.Generator is GeneratorNames.StoryRequests or GeneratorNames.EndlessStories && source.StoriesOf is null)
                throw new InputException($"{what} needs stories: name their source in storiesOf.");
            if (source.StoriesOf is string from && !Sources.Any(s => s.Name == from && s.Text is not null))
                throw new InputException(
                    $"{what} takes its stories from '{from}', which is not a text source of this mixture: name one in storiesOf."
                );
        }
        if (!Sources.Any(s => s.Share > 0))
            throw new InputException($"'{path}' gives no source a share: set the share of at least one above 0.");
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

using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Streaming.Inference;
using Streaming.Training.Checkpoints;

namespace Streaming.Training.Vocabularies;

/// <summary>Puts the tokenizer's files into the checkpoint's folder, before anything is learnt.</summary>
internal static class TokenizerFiles
{
    private const string Vocabulary = "tokenizer.json",
        Configuration = "tokenizer_config.json";

    private static readonly string[] Names = [Vocabulary, Configuration, "special_tokens_map.json"];

    /// <summary>
    /// Copies a given tokenizer, or learns one from the training texts. A tokenizer that is there from an earlier run stays: what
    /// was learnt means nothing with another.
    /// </summary>
    /// <exception cref="InputException">The given one cannot be read, or is another than the one that the training began with.</exception>
    /// <param name="given">A folder with the tokenizer to copy; null to train one.</param>
    /// <param name="work">The work folder, which keeps the tokenizer that a training started with.</param>
    /// <param name="output">The checkpoint's folder.</param>
    /// <param name="context">The model's context length in tokens.</param>
    /// <param name="train">Trains a vocabulary.</param>
    public static void Install(string? given, string work, string output, int context, Func<BytePairVocabulary> train)
    {
        bool begun = TrainingState.IsIn(work);
        string kept = Path.Combine(work, "tokenizer");
        if (!begun)
        {
            Directory.CreateDirectory(kept);
            if (given is string folder)
                Copy(folder, kept, context);
            else
                TokenizerWriter.Write(kept, train(), context);
        }
        else if (
            given is string folder
            && !File.ReadAllBytes(Source(folder, Vocabulary)).AsSpan().SequenceEqual(File.ReadAllBytes(Source(kept, Vocabulary)))
        )
        {
            throw new InputException(
                $"The training in '{work}' began with another tokenizer than '{folder}': leave --tokenizer out, or name another --work folder."
            );
        }
        Directory.CreateDirectory(output);
        Copy(kept, output, context);
    }

    private static void Copy(string from, string to, int context)
    {
        foreach (string name in Names)
        {
            byte[] content = File.ReadAllBytes(Source(from, name));
            if (name == Configuration)
                content = WithContext(content, Source(from, name), context);
            AtomicFile.Write(Path.Combine(to, name), stream => stream.Write(content));
        }
    }

    /// <summary>The configuration states what the model sees, which another model's tokenizer cannot know.</summary>
    private static byte[] WithContext(byte[] configuration, string path, int context)
    {
        try
        {
            JsonNode json = JsonNode.Parse(configuration)!;
            json["model_max_length"] = context;
            return Encoding.UTF8.GetBytes(json.ToJsonString(TokenizerWriter.Json) + "\n");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or NullReferenceException)
        {
            throw new InputException($"'{path}' is not a JSON object: copy the file again from where it came.", e);
        }
    }

    private static string Source(string folder, string name)
    {
        string path = Path.Combine(folder, name);
        return File.Exists(path)
            ? path
            : throw new InputException($"'{folder}' has no {name}: name a folder with {string.Join(", ", Names)}.");
    }
}

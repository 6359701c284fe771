using System.Text.Json;
using System.Text.Json.Nodes;
using Streaming.Inference;
using Streaming.Training.Checkpoints;

namespace Streaming.Training.Vocabularies;

/// <summary>Puts the tokenizer's files into the checkpoint's folder at the start of a run.</summary>
internal static class TokenizerFiles
{
    private const string Vocabulary = "tokenizer.json",
        Configuration = "tokenizer_config.json";

    private static readonly string[] Names = [Vocabulary, Configuration, "special_tokens_map.json"];

    /// <summary>
    /// Copies a given tokenizer, or trains one. If the training has already started it keeps its tokenizer: the weights mean nothing with
    /// another.
    /// </summary>
    /// <param name="given">A folder with the tokenizer to copy; null to train one.</param>
    /// <param name="work">The work folder, which keeps the tokenizer that a training started with.</param>
    /// <param name="output">The checkpoint's folder.</param>
    /// <param name="context">The model's context length in tokens.</param>
    /// <param name="train">Trains a vocabulary.</param>
    /// <exception cref="InputException">The given tokenizer cannot be read, or is not the one that the training started with.</exception>
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
                $"The training in '{work}' started with another tokenizer than '{folder}': "
                    + "leave --tokenizer out, or name another --work folder."
            );
        }
        Directory.CreateDirectory(output);
        Copy(kept, output, context);
    }

    private static void Copy(string from, string to, int context)
    {
        foreach (string name in Names)
        {
            (string source, string target) = (Source(from, name), Path.Combine(to, name));
            if (name == Configuration)
                AtomicFile.Write(target, WithContext(source, context));
            else
                AtomicFile.Write(target, stream => stream.Write(File.ReadAllBytes(source)));
        }
    }

    /// <summary>The tokenizer's configuration with this model's context length.</summary>
    private static JsonObject WithContext(string path, int context)
    {
        try
        {
            JsonObject json = JsonNode.Parse(File.ReadAllBytes(path)) as JsonObject ?? throw new JsonException();
            json["model_max_length"] = context;
            return json;
        }
        catch (JsonException e)
        {
            throw new InputException($"'{path}' is not a JSON object: copy the file again.", e);
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

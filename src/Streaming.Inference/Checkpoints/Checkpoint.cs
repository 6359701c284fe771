namespace Streaming.Inference.Checkpoints;

/// <summary>
/// A checkpoint: a model's folder in Hugging Face layout, read and checked. Weights stay in the files until they
/// are asked for; dispose it once they are loaded.
/// </summary>
public sealed class Checkpoint : IDisposable
{
    private readonly SafetensorsWeights _weights;

    private Checkpoint(string folder, ModelConfig config, GenerationDefaults generation, SafetensorsWeights weights)
    {
        Folder = folder;
        Config = config;
        Generation = generation;
        _weights = weights;
        Fingerprint = CheckpointFingerprint.Of(folder, weights.Paths);
    }

    /// <summary>The folder's full path.</summary>
    public string Folder { get; }

    /// <summary>The folder's own name, for people.</summary>
    public string Name => Path.GetFileName(Folder);

    /// <summary>What the model is.</summary>
    public ModelConfig Config { get; }

    /// <summary>How it wants to be sampled, and its end tokens.</summary>
    public GenerationDefaults Generation { get; }

    /// <summary>The weights. Usable until the checkpoint is disposed; what was read stays.</summary>
    public IWeightSource Weights => _weights;

    /// <summary>
    /// The same for the same files wherever they lie, another for any other checkpoint: 64 hexadecimal digits. Token ids
    /// that were stored under another fingerprint mean nothing to this one.
    /// </summary>
    public string Fingerprint { get; }

    /// <summary>Opens a folder: reads <c>config.json</c> and <c>generation_config.json</c> and checks the weights' headers.</summary>
    /// <param name="folder">A folder in Hugging Face layout.</param>
    /// <exception cref="InputException">It is absent, damaged, or of a kind that the decoder does not know.</exception>
    public static Checkpoint Open(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (!Directory.Exists(folder))
            throw new InputException(
                $"The model folder '{folder}' {(File.Exists(folder) ? "is a file" : "does not exist")}: name a folder with config.json, tokenizer.json and *.safetensors."
            );
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        ConfigReader file = ConfigReader.Open(full, "config.json");
        ModelConfig config = Architectures.Read(file);
        var generation = GenerationDefaults.Read(file, ConfigReader.OpenIfPresent(full, "generation_config.json"));
        foreach (int id in generation.EndIds)
        {
            if (id >= config.VocabularySize)
                throw new InputException(
                    $"'{full}' names the end token {id}, but has only {config.VocabularySize} tokens: correct eos_token_id."
                );
        }
        SafetensorsWeights weights = SafetensorsWeights.Open(full);
        try
        {
            if (!config.TiedHead && !weights.Has(TensorNames.Head))
                throw new InputException(
                    $"The weights in '{full}' lack '{TensorNames.Head}', and config.json does not set tie_word_embeddings: use a complete checkpoint."
                );
            CheckThatAllCount(full, config, weights);
            return new Checkpoint(full, config, generation, weights);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>A tensor that the configuration has no place for would be passed over in silence, and the text would be wrong.</summary>
    private static void CheckThatAllCount(string folder, ModelConfig config, SafetensorsWeights weights)
    {
        HashSet<string> known = [.. TensorNames.Of(config)];
        if (weights.Names.FirstOrDefault(name => !known.Contains(name) && !TensorNames.IsComputed(name)) is string foreign)
            throw new InputException(
                $"The weights in '{folder}' hold '{foreign}', which a model of this config.json does not have: use the files of one checkpoint, of a family that is supported."
            );
    }

    /// <summary>Closes the files.</summary>
    public void Dispose() => _weights.Dispose();
}

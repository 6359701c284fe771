namespace Streaming.Inference.Checkpoints;

/// <summary>
/// A checkpoint: a model's folder in Hugging Face layout, read and checked. Weights are read from the files on demand; dispose the
/// checkpoint after they are loaded.
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

    /// <summary>The model's name for display: the folder's name, or in Hugging Face's download cache the repository's.</summary>
    public string Name => CheckpointFiles.NameOf(Folder);

    /// <summary>The model's configuration.</summary>
    public ModelConfig Config { get; }

    /// <summary>Its recommended sampling and its end tokens.</summary>
    public GenerationDefaults Generation { get; }

    /// <summary>The weights. The source is usable until the checkpoint is disposed; tensors read from it stay valid.</summary>
    public IWeightSource Weights => _weights;

    /// <summary>
    /// Identifies the checkpoint by its files' contents, independent of their location: 64 hexadecimal digits. Token ids stored under
    /// another fingerprint are not valid for this checkpoint.
    /// </summary>
    public string Fingerprint { get; }

    /// <summary>Opens a folder: reads <c>config.json</c> and <c>generation_config.json</c> and checks the weights' headers.</summary>
    /// <param name="folder">A folder in Hugging Face layout.</param>
    /// <exception cref="InputException">It is absent, damaged or not supported.</exception>
    public static Checkpoint Open(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (!Directory.Exists(folder))
            throw new InputException(
                $"The model folder '{Path.GetFullPath(folder)}' {(File.Exists(folder) ? "is a file" : "does not exist")}: "
                    + "name a folder with config.json, tokenizer.json and *.safetensors."
            );
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        var file = ConfigReader.Open(full, "config.json");
        ModelConfig config = Architectures.Read(file);
        var generation = GenerationDefaults.Read(file, ConfigReader.OpenIfPresent(full, "generation_config.json"), config.VocabularySize);
        foreach (int id in generation.EndIds)
        {
            if (id >= config.VocabularySize)
                throw new InputException(
                    $"'{full}' names the end token {id}, but has only {config.VocabularySize} tokens: correct eos_token_id."
                );
        }
        var weights = SafetensorsWeights.Open(full);
        try
        {
            if (config.TiedHead && !weights.Has(TensorNames.Embedding) && weights.Has(TensorNames.Head))
                weights.Alias(TensorNames.Embedding, TensorNames.Head); // tied weights may be stored under either name
            if (!config.TiedHead && !weights.Has(TensorNames.Head))
                throw new InputException(
                    $"The weights in '{full}' lack '{TensorNames.Head}', and config.json does not set tie_word_embeddings: "
                        + "use a complete checkpoint."
                );
            CheckThatAllAreUsed(full, config, weights);
            return new Checkpoint(full, config, generation, weights);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>Refuses weights that the configuration does not use: ignoring them silently would give wrong text.</summary>
    private static void CheckThatAllAreUsed(string folder, ModelConfig config, SafetensorsWeights weights)
    {
        HashSet<string> known = [.. TensorNames.Of(config)];
        if (weights.Names.FirstOrDefault(name => !known.Contains(name) && !TensorNames.IsComputed(name)) is string foreign)
            throw new InputException(
                $"The weights in '{folder}' contain '{foreign}', which a model with this config.json does not have: "
                    + "use the files of one checkpoint, of a supported family."
            );
    }

    /// <summary>Closes the files.</summary>
    public void Dispose() => _weights.Dispose();
}

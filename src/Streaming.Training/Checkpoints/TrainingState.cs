using System.Buffers.Binary;
using System.Text.Json;
using Streaming.Inference;
using Streaming.Inference.Checkpoints;
using Streaming.Training.DataLoading;
using Streaming.Training.Model;
using Streaming.Training.Optimization;
using static TorchSharp.torch;

namespace Streaming.Training.Checkpoints;

/// <summary>
/// Everything that an interrupted training needs to continue with the same results, in one file that is replaced atomically: float32
/// weights, the optimizer's moments, and the state of data loading. Its property names are part of the stored format.
/// </summary>
internal sealed record TrainingState
{
    private const string FileName = "state.safetensors",
        Key = "training";

    /// <summary>The model's configuration; a run cannot continue with another one.</summary>
    public required ModelConfig Config { get; init; }

    /// <summary>Training tokens so far.</summary>
    public required long Tokens { get; init; }

    /// <summary>Steps so far.</summary>
    public required int Steps { get; init; }

    /// <summary>Time spent in all runs.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>The mixture's state.</summary>
    public required MixtureState Mixture { get; init; }

    /// <summary>The packer's state.</summary>
    public required PackerState Packer { get; init; }

    /// <summary>The best held-out loss so far, nats per token.</summary>
    public double? BestLoss { get; init; }

    /// <summary>The number of evaluations since the best held-out loss.</summary>
    public int SinceBest { get; init; }

    /// <summary>Whether a work folder has a state from which to continue.</summary>
    public static bool IsIn(string folder) => File.Exists(Path.Combine(folder, FileName));

    /// <summary>Writes the state into a work folder.</summary>
    public void Write(string folder, MasterWeights master, AdamW optimizer) =>
        AtomicFile.Write(
            Path.Combine(folder, FileName),
            stream =>
                SafetensorsWriter.Write(
                    stream,
                    [.. Tensors(master, optimizer)],
                    new Dictionary<string, string> { [Key] = JsonSerializer.Serialize(this) }
                )
        );

    /// <summary>Reads the state of a work folder, and restores the weights and the optimizer.</summary>
    /// <exception cref="InputException">The state is damaged or belongs to another model.</exception>
    public static TrainingState Read(string folder, MasterWeights master, AdamW optimizer)
    {
        string path = Path.Combine(folder, FileName);
        TrainingState state = Header(path);
        if (state.Config != master.Config)
            throw new InputException(
                $"'{path}' belongs to another model ({Shape(state.Config)}) than the options name ({Shape(master.Config)}): "
                    + "use the same options, or name another --work folder."
            );
        optimizer.Steps = state.Steps;
        using IDisposable noGradient = no_grad();
        using var file = SafetensorsFile.Open(path);
        var entries = file.Entries.ToDictionary(e => e.Name);
        foreach ((string name, Tensor value) in Tensors(master, optimizer))
        {
            if (!entries.TryGetValue(name, out SafetensorsEntry? entry) || !entry.Shape.SequenceEqual(value.shape))
                throw new InputException($"'{path}' lacks '{name}' and is damaged: restore an earlier copy or start again.");
            using Tensor stored = file.Read(entry, ScalarType.Float32);
            value.copy_(stored);
        }
        return state;
    }

    private static IEnumerable<(string Name, Tensor Value)> Tensors(MasterWeights master, AdamW optimizer) =>
        master.Parameters.Select(p => (p.Name, p.Value)).Concat(optimizer.State);

    private static string Shape(ModelConfig config) =>
        $"{config.Layers} layers, hidden {config.HiddenSize}, intermediate {config.IntermediateSize}, "
        + $"{config.Heads}/{config.KeyValueHeads} heads, vocabulary {config.VocabularySize}, context {config.ContextLength}";

    private static TrainingState Header(string path)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            byte[] length = new byte[8];
            stream.ReadExactly(length);
            byte[] header = new byte[checked((int)BinaryPrimitives.ReadInt64LittleEndian(length))];
            stream.ReadExactly(header);
            using var json = JsonDocument.Parse(header);
            return JsonSerializer.Deserialize<TrainingState>(json.RootElement.GetProperty("__metadata__").GetProperty(Key).GetString()!)!;
        }
        catch (Exception e)
            when (e is IOException or JsonException or OverflowException or KeyNotFoundException or UnauthorizedAccessException)
        {
            throw new InputException($"'{path}' cannot be read ({e.Message.TrimEnd('.')}): restore an earlier copy or start again.", e);
        }
    }
}

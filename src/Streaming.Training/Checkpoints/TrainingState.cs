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
/// All that an interrupted training needs to go on as if it had not been interrupted, in one file that is replaced whole: weights
/// in float32, the optimizer's means, and where the mixture was.
/// </summary>
internal sealed record TrainingState
{
    private const string FileName = "state.safetensors",
        Key = "training";

    /// <summary>What the model is; a run cannot go on as another one.</summary>
    public required ModelConfig Config { get; init; }

    /// <summary>Tokens read so far.</summary>
    public required long Tokens { get; init; }

    /// <summary>Steps so far.</summary>
    public required int Steps { get; init; }

    /// <summary>Time spent, all runs together.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>Where the mixture was.</summary>
    public required MixtureState Mixture { get; init; }

    /// <summary>Where the packer was.</summary>
    public required PackerState Packer { get; init; }

    /// <summary>The best held-out loss so far, nats per token.</summary>
    public double? BestLoss { get; init; }

    /// <summary>Evaluations since then.</summary>
    public int SinceBest { get; init; }

    /// <summary>Whether there is something to go on from.</summary>
    public static bool IsIn(string folder) => File.Exists(Path.Combine(folder, FileName));

    /// <summary>Writes the state.</summary>
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

    /// <summary>Reads the state into weights and its optimizer.</summary>
    /// <exception cref="InputException">It is damaged or of another model.</exception>
    public static TrainingState Read(string folder, MasterWeights master, AdamW optimizer)
    {
        string path = Path.Combine(folder, FileName);
        TrainingState state = Header(path);
        if (state.Config != master.Config)
            throw new InputException(
                $"'{path}' is of another model ({Shape(state.Config)}) than was asked for ({Shape(master.Config)}): ask for the same, or name another --work folder."
            );
        optimizer.Steps = state.Steps;
        using IDisposable noGradient = no_grad();
        using SafetensorsFile file = SafetensorsFile.Open(path);
        var entries = file.Entries.ToDictionary(e => e.Name);
        foreach ((string name, Tensor value) in Tensors(master, optimizer))
        {
            if (!entries.TryGetValue(name, out SafetensorsEntry? entry) || !entry.Shape.SequenceEqual(value.shape))
                throw new InputException($"'{path}' lacks '{name}': it is damaged, so go on from an earlier copy or from the beginning.");
            using Tensor stored = file.Read(entry, ScalarType.Float32);
            value.copy_(stored);
        }
        return state;
    }

    private static IEnumerable<(string Name, Tensor Value)> Tensors(MasterWeights master, AdamW optimizer) =>
        master.Parameters.Select(p => (p.Name, p.Value)).Concat(optimizer.State);

    private static string Shape(ModelConfig config) =>
        $"{config.Layers} layers, {config.HiddenSize} wide, {config.IntermediateSize} inside, {config.Heads}/{config.KeyValueHeads} heads, {config.VocabularySize} tokens, context {config.ContextLength}";

    private static TrainingState Header(string path)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            byte[] length = new byte[8];
            stream.ReadExactly(length);
            byte[] header = new byte[checked((int)BinaryPrimitives.ReadInt64LittleEndian(length))];
            stream.ReadExactly(header);
            using JsonDocument json = JsonDocument.Parse(header);
            return JsonSerializer.Deserialize<TrainingState>(json.RootElement.GetProperty("__metadata__").GetProperty(Key).GetString()!)!;
        }
        catch (Exception e)
            when (e is IOException or JsonException or OverflowException or KeyNotFoundException or UnauthorizedAccessException)
        {
            throw new InputException(
                $"'{path}' cannot be read ({e.Message.TrimEnd('.')}): go on from an earlier copy or from the beginning.",
                e
            );
        }
    }
}

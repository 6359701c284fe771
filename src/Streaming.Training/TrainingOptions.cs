namespace Streaming.Training;

/// <summary>A length of training sequences and when it begins.</summary>
/// <param name="Tokens">Tokens of a sequence, the start token included.</param>
/// <param name="From">The share of the training that is over when it begins, from 0 to below 1.</param>
public readonly record struct SequenceLength(int Tokens, double From);

/// <summary>What a training is to do.</summary>
public sealed record TrainingOptions
{
    /// <summary>The mixture, a JSON file.</summary>
    public required string Mixture { get; init; }

    /// <summary>Where the paths in the mixture begin.</summary>
    public required string Data { get; init; }

    /// <summary>Where the training keeps its state, to go on from, and its figures.</summary>
    public required string Work { get; init; }

    /// <summary>Where the checkpoint goes.</summary>
    public required string Output { get; init; }

    /// <summary>A folder whose tokenizer is used; null for that of <see cref="From"/>, or to learn one from the texts.</summary>
    public string? Tokenizer { get; init; }

    /// <summary>A checkpoint of the same shape that a new training begins with; null to begin with random weights.</summary>
    public string? From { get; init; }

    /// <summary>Tokens of the vocabulary where it is learnt.</summary>
    public int Vocabulary { get; init; } = 4096;

    /// <summary>L.</summary>
    public int Layers { get; init; } = 7;

    /// <summary>Width of the residual stream.</summary>
    public int Hidden { get; init; } = 256;

    /// <summary>Width inside the feed-forward part.</summary>
    public int Intermediate { get; init; } = 768;

    /// <summary>Query heads.</summary>
    public int Heads { get; init; } = 4;

    /// <summary>Key-value heads.</summary>
    public int KeyValueHeads { get; init; } = 2;

    /// <summary>Width of a head.</summary>
    public int HeadDim { get; init; } = 64;

    /// <summary>Tokens to learn from in all, earlier runs included.</summary>
    public long Tokens { get; init; } = 80_000_000;

    /// <summary>Tokens of a step.</summary>
    public int Batch { get; init; } = 4096;

    /// <summary>Lengths of the sequences, in the order of their beginnings; the last is the model's context.</summary>
    public IReadOnlyList<SequenceLength> Lengths { get; init; } = [new(256, 0), new(512, 0.45), new(1024, 0.8)];

    /// <summary>The highest learning rate.</summary>
    public double Rate { get; init; } = 2.5e-3;

    /// <summary>Steps until the highest learning rate.</summary>
    public int WarmUp { get; init; } = 200;

    /// <summary>The share of attention that the extra loss asks heads to leave on the start token; null for no extra loss.</summary>
    public double? SinkShare { get; init; }

    /// <summary>The weight of that loss in each layer.</summary>
    public double SinkWeight { get; init; } = 0.1;

    /// <summary>Products in float32 rather than bfloat16.</summary>
    public bool Float32 { get; init; }

    /// <summary>The share of what a layer adds that is left out at random while it learns (Srivastava et al. 2014); 0 for nothing.</summary>
    public double Dropout { get; init; }

    /// <summary>libtorch's name of the device: <c>cpu</c>, <c>cuda:0</c>. On the CPU a training repeats itself bit by bit; a GPU adds in no fixed order.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Threads of the CPU; null for one per processor.</summary>
    public int? Threads { get; init; }

    /// <summary>What the first weights and the order of the texts are drawn with.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>Steps between two evaluations on held-out texts.</summary>
    public int EvaluateEvery { get; init; } = 500;

    /// <summary>Evaluations without a better held-out loss after which training ends; 0 for never.</summary>
    public int Patience { get; init; }

    /// <summary>Time between two checkpoints.</summary>
    public TimeSpan SaveEvery { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Ends after so many steps of this run; null for no limit.</summary>
    public int? Steps { get; init; }
}

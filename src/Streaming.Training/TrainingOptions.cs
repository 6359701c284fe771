namespace Streaming.Training;

/// <summary>A length of training sequences, and the point in the training from which it applies.</summary>
/// <param name="Tokens">Tokens in a sequence, including the start token.</param>
/// <param name="From">The completed share of the training from which this length applies, in [0, 1).</param>
public readonly record struct SequenceLength(int Tokens, double From);

/// <summary>The options of a training.</summary>
public sealed record TrainingOptions
{
    /// <summary>The path of the mixture, a JSON file.</summary>
    public required string Mixture { get; init; }

    /// <summary>The folder to which the paths in the mixture are relative.</summary>
    public required string Data { get; init; }

    /// <summary>The work folder, with the state from which the training resumes and its metrics.</summary>
    public required string Work { get; init; }

    /// <summary>The checkpoint's folder.</summary>
    public required string Output { get; init; }

    /// <summary>The folder of the tokenizer; null for the tokenizer of <see cref="From"/>, or else to train one.</summary>
    public string? Tokenizer { get; init; }

    /// <summary>A checkpoint of the same shape from which a new training starts; null to start with random weights.</summary>
    public string? From { get; init; }

    /// <summary>The size of a vocabulary that is trained.</summary>
    public int Vocabulary { get; init; } = 4096;

    /// <summary>The number of layers.</summary>
    public int Layers { get; init; } = 7;

    /// <summary>The hidden size.</summary>
    public int Hidden { get; init; } = 256;

    /// <summary>The intermediate size of the feed-forward network.</summary>
    public int Intermediate { get; init; } = 768;

    /// <summary>The number of query heads.</summary>
    public int Heads { get; init; } = 4;

    /// <summary>The number of key-value heads.</summary>
    public int KeyValueHeads { get; init; } = 2;

    /// <summary>The dimensions of a head.</summary>
    public int HeadDim { get; init; } = 64;

    /// <summary>The total number of training tokens, including earlier runs.</summary>
    public long Tokens { get; init; } = 80_000_000;

    /// <summary>Tokens in a step.</summary>
    public int Batch { get; init; } = 4096;

    /// <summary>The sequence lengths, in order; the last is the model's context length.</summary>
    public IReadOnlyList<SequenceLength> Lengths { get; init; } = [new(256, 0), new(512, 0.45), new(1024, 0.8)];

    /// <summary>The peak learning rate.</summary>
    public double Rate { get; init; } = 2.5e-3;

    /// <summary>The number of warm-up steps.</summary>
    public int WarmUp { get; init; } = 200;

    /// <summary>The target share of attention on the start token, for the sink loss; null for no sink loss.</summary>
    public double? SinkShare { get; init; }

    /// <summary>The weight of the sink loss in each layer.</summary>
    public double SinkWeight { get; init; } = 0.1;

    /// <summary>Whether to compute in float32 instead of bfloat16.</summary>
    public bool Float32 { get; init; }

    /// <summary>The dropout probability on what each layer adds (Srivastava et al. 2014); 0 for none.</summary>
    public double Dropout { get; init; }

    /// <summary>
    /// libtorch's name of the device: <c>cpu</c>, <c>cuda:0</c>. On a CPU a training is reproducible bit for bit; a GPU adds in no fixed
    /// order.
    /// </summary>
    public string Device { get; init; } = "cpu";

    /// <summary>The number of CPU threads; null for one per processor.</summary>
    public int? Threads { get; init; }

    /// <summary>The seed of the initial weights, the order of the texts and dropout.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>The number of steps between evaluations on held-out texts.</summary>
    public int EvaluateEvery { get; init; } = 500;

    /// <summary>The number of evaluations without a better held-out loss after which training stops; 0 for never.</summary>
    public int Patience { get; init; }

    /// <summary>The time between two saved states.</summary>
    public TimeSpan SaveEvery { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>The number of steps after which this run ends; null for no limit.</summary>
    public int? Steps { get; init; }
}

using TorchSharp;

namespace Streaming.Inference.Decoding.Managed;

/// <summary>
/// Long inputs of an int8 model: libtorch has the processor's own bfloat16 products, which C# has not, and from some number of rows on they are
/// worth bringing rows and weights to that type. Not in deterministic mode.
/// </summary>
internal sealed class LongInputs : IDisposable
{
    /// <summary>From here on libtorch was faster (bench/peers/NOTES.md), in products and in attention alike; at 64 it was not.</summary>
    private const int LeastRows = 96;

    private readonly TorchAttention _attention;
    private readonly BatchShape _shape;
    private TorchBatch? _batch; // the step's own

    private LongInputs(KernelContext context)
    {
        _attention = new TorchAttention(context.Config, torch.ScalarType.BFloat16, context.Device);
        _shape = BatchShape.Of(context);
    }

    /// <summary>For a decoder whose long inputs may go to libtorch; else null.</summary>
    public static LongInputs? Of(KernelContext context) =>
        context.Type == DType.Int8 && !context.Options.Deterministic ? new LongInputs(context) : null;

    /// <summary>A step begins.</summary>
    public void Begin() => _batch = null;

    /// <summary>Whether so many rows are worth it.</summary>
    public static bool Takes(int rows) => rows >= LeastRows;

    /// <summary>Whether a batch has an input that is worth it.</summary>
    public static bool Takes(Batch batch) => batch.LongestSegment >= LeastRows;

    /// <summary>Product of rows [N, in] with an int8 weight, without its bias, into results [N, out], or added to them.</summary>
    public static void Multiply(torch.Tensor rows, Weight weight, torch.Tensor results, bool add)
    {
        using DisposeScope scope = torch.NewDisposeScope();
        torch.Tensor weights = weight.Rows.to(torch.ScalarType.BFloat16); // exactly: they are at most 127
        torch.Tensor product = torch.nn.functional.linear(rows.to(torch.ScalarType.BFloat16), weights).to(torch.ScalarType.Float32).mul_(weight.Scales!);
        if (add)
            results.add_(product);
        else
            results.copy_(product);
    }

    /// <summary>Fused projections [N, (heads + 2 kv_heads) · D] to attended values [N, heads · D].</summary>
    public void Attend(torch.Tensor queryKeyValue, LayerCache cache, Batch batch, torch.Tensor attended)
    {
        _batch ??= TorchBatch.Of(batch, _shape);
        using DisposeScope scope = torch.NewDisposeScope();
        attended.copy_(_attention.Attend(queryKeyValue.to(torch.ScalarType.BFloat16), cache, _batch));
    }

    public void Dispose() => _attention.Dispose();
}

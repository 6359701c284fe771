using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using TorchSharp;

namespace Streaming.Inference.Kernels.LibTorch;

/// <summary>The operations by libtorch, on any of its devices.</summary>
internal sealed class TorchKernels : IKernels
{
    // libtorch's kernel reads rows of int8 weights in blocks and does not check where a row ends.
    private const int Int8Block = 32;

    private readonly torch.jit.CompilationUnit _script;
    private readonly Scalar _epsilon;
    private readonly TorchAttention _attention;
    private readonly BatchShape _shape;
    private Batch? _batch; // of the step
    private TorchBatch? _torchBatch;

    public TorchKernels(KernelContext context)
    {
        (ModelConfig config, DType type, torch.Device device) = (context.Config, context.Type, context.Device);
        if (type == DType.Int8)
            DTypes.CheckWidths(type, config, Int8Block);
        _epsilon = config.NormEpsilon;
        _shape = BatchShape.Of(context);
        // TorchSharp does not expose this operation of libtorch, but TorchScript does.
        _script = torch.jit.compile(
            """
            def project_int8(rows, weight, scales):
                return torch._weight_int8pack_mm(rows, weight, scales)

            """
        );
        _attention = new TorchAttention(config, DTypes.Activations(type), device);
    }

    public torch.ScalarType CacheType => _shape.Type;

    public unsafe void Pack(sbyte* rows, int count, int width, bool nibbles, sbyte* packed) =>
        new ReadOnlySpan<sbyte>(rows, count * width).CopyTo(new Span<sbyte>(packed, count * width)); // it supports no 4-bit weights

    public void BeginStep(Batch batch)
    {
        _batch = batch;
        _torchBatch = TorchBatch.Of(batch, _shape);
    }

    public torch.Tensor Embed(torch.Tensor embedding) => embedding.index_select(0, torch.tensor(_batch!.Ids, device: _shape.Device));

    public torch.Tensor Normalise(torch.Tensor rows, torch.Tensor weight)
    {
        torch.Tensor exact = rows.to(torch.ScalarType.Float32); // [N, hidden]
        torch.Tensor scale = exact.mul(exact).mean([-1], keepdim: true).add_(_epsilon, TorchScalars.One).rsqrt_(); // [N, 1]
        return exact.mul(scale).to(rows.dtype).mul_(weight);
    }

    public torch.Tensor Project(torch.Tensor rows, Weight weight)
    {
        if (weight.Scales is not { } scales)
            return torch.nn.functional.linear(rows, weight.Rows, weight.Bias);
        var product = (torch.Tensor)_script.invoke("project_int8", rows, weight.Rows, scales);
        return weight.Bias is { } bias ? product.add_(bias, TorchScalars.One) : product;
    }

    public void NormaliseHeads(torch.Tensor queryKeyValue, torch.Tensor weights)
    {
        long heads = weights.shape[0],
            width = weights.shape[1];
        torch.Tensor normed = queryKeyValue.narrow(1, 0, heads * width).unflatten(1, [heads, width]); // [N, heads + kv_heads, D]
        normed.copy_(Normalise(normed, weights));
    }

    public void AddProjected(torch.Tensor residual, torch.Tensor rows, Weight weight) =>
        residual.add_(Project(rows, weight), TorchScalars.One);

    public torch.Tensor Attend(torch.Tensor queryKeyValue, LayerCache cache, KeyValueBias? bias) =>
        bias is null
            ? _attention.Attend(queryKeyValue, cache, _torchBatch!)
            : throw new NotSupportedException("libtorch's kernels have no int8 cache, so keys and values contain their biases.");

    public torch.Tensor Gate(torch.Tensor gateUp)
    {
        long inner = gateUp.shape[1] / 2;
        return torch.nn.functional.silu(gateUp.narrow(1, 0, inner)).mul_(gateUp.narrow(1, inner, inner));
    }

    public torch.Tensor SelectLogitRows(torch.Tensor residual) =>
        residual.index_select(0, torch.tensor(_batch!.LogitRows, device: _shape.Device));

    public torch.Tensor Head(torch.Tensor rows, Weight head, torch.Tensor? results) => Project(rows, head).to(torch.ScalarType.Float32);

    public void Dispose()
    {
        _attention.Dispose();
        _script.Dispose();
        _epsilon.Dispose();
    }
}

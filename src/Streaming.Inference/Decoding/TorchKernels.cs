using Streaming.Inference.Checkpoints;
using TorchSharp;

namespace Streaming.Inference.Decoding;

/// <summary>libtorch's operations, on any of its devices.</summary>
internal sealed class TorchKernels : IKernels
{
    private readonly torch.jit.CompilationUnit _script;
    private readonly Scalar _epsilon;
    private readonly TorchAttention _attention;

    public TorchKernels(ModelConfig config, DType type, torch.Device device)
    {
        _epsilon = config.NormEpsilon;
        // What libtorch has and TorchSharp does not name, reached through TorchScript.
        _script = torch.jit.compile("""
            def project_int8(rows, weight, scales):
                return torch._weight_int8pack_mm(rows, weight, scales)

            """);
        _attention = new TorchAttention(config, DTypes.Activations(type), device);
    }

    public torch.Tensor Embed(torch.Tensor embedding, torch.Tensor ids) => embedding.index_select(0, ids);

    public torch.Tensor Normalise(torch.Tensor rows, torch.Tensor weight)
    {
        torch.Tensor exact = rows.to(torch.ScalarType.Float32); // [N, hidden]
        torch.Tensor scale = exact.mul(exact).mean([-1], keepdim: true).add_(_epsilon, Scalars.One).rsqrt_(); // [N, 1]
        return exact.mul(scale).to(rows.dtype).mul_(weight);
    }

    public torch.Tensor Project(torch.Tensor rows, Weight weight)
    {
        if (weight.Scales is not { } scales)
            return torch.nn.functional.linear(rows, weight.Rows, weight.Bias);
        var product = (torch.Tensor)_script.invoke("project_int8", rows, weight.Rows, scales);
        return weight.Bias is { } bias ? product.add_(bias) : product;
    }

    public void NormaliseHeads(torch.Tensor queryKeyValue, torch.Tensor weights)
    {
        long heads = weights.shape[0], width = weights.shape[1];
        torch.Tensor normed = queryKeyValue.narrow(1, 0, heads * width).unflatten(1, [heads, width]);  // [N, heads + kv_heads, D]
        normed.copy_(Normalise(normed, weights));
    }

    public torch.Tensor Attend(torch.Tensor queryKeyValue, LayerCache cache, Batch batch) =>
        _attention.Attend(queryKeyValue, cache, batch);

    public torch.Tensor Gate(torch.Tensor gateUp)
    {
        long inner = gateUp.shape[1] / 2;
        return torch.nn.functional.silu(gateUp.narrow(1, 0, inner)).mul_(gateUp.narrow(1, inner, inner));
    }

    public torch.Tensor Head(torch.Tensor rows, Weight head) => Project(rows, head).to(torch.ScalarType.Float32);

    public void Dispose()
    {
        _attention.Dispose();
        _script.Dispose();
        _epsilon.Dispose();
    }
}

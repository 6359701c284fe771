using TorchSharp;

namespace Streaming.Inference.Caching;

/// <summary>Rows of a batch that are written to the cache together.</summary>
/// <param name="Rows">The batch's rows, [M] int64; null for all of them.</param>
/// <param name="Targets">Their rows in the cache viewed as [slots · kv_heads · C, head_dim], [M · kv_heads] int64.</param>
internal sealed record StoredRows(torch.Tensor? Rows, torch.Tensor Targets);

using TorchSharp;

namespace Streaming.Training.Learning;

/// <summary>One matrix or vector that is learnt.</summary>
/// <param name="Name">Its name; fused projections have names of their own.</param>
/// <param name="Value">Float32, with a gradient.</param>
internal sealed record Parameter(string Name, torch.Tensor Value);

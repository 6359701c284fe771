using TorchSharp;

namespace Streaming.Training.Numerics;

/// <summary>
/// libtorch scalars that are never collected. TorchSharp does not keep a temporary <see cref="Scalar"/> alive during the native
/// call, so the garbage collector may free it in mid-call. A scalar that changes is a field or a local of the code that uses it.
/// </summary>
internal static class ScalarConstants
{
    public static readonly Scalar One = 1;
}

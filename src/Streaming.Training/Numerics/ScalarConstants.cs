using TorchSharp;

namespace Streaming.Training.Numerics;

/// <summary>
/// Numbers as libtorch takes them, alive for ever: TorchSharp does not keep a temporary one alive during the native call, so
/// the garbage collector may free it in the middle (see the engine's own of this name). Numbers that change from step to step
/// are fields of what uses them.
/// </summary>
internal static class ScalarConstants
{
    public static readonly Scalar One = 1;
}

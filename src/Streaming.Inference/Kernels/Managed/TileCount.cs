namespace Streaming.Inference.Kernels.Managed;

/// <summary>A compile-time constant, so that the JIT leaves out code that a smaller tile does not need.</summary>
internal interface ITileCount
{
    /// <summary>1 to 4.</summary>
    static abstract int Value { get; }
}

internal readonly struct One : ITileCount
{
    public static int Value => 1;
}

internal readonly struct Two : ITileCount
{
    public static int Value => 2;
}

internal readonly struct Three : ITileCount
{
    public static int Value => 3;
}

internal readonly struct Four : ITileCount
{
    public static int Value => 4;
}

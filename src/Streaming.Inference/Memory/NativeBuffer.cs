using System.Runtime.InteropServices;

namespace Streaming.Inference.Memory;

/// <summary>A native buffer, aligned to a cache line. It only grows.</summary>
internal sealed unsafe class NativeBuffer<T> : IDisposable
    where T : unmanaged
{
    private const int CacheLine = 64;
    private T* _numbers;
    private nuint _count;

    /// <summary>The buffer with room for so many elements. Growing loses its content.</summary>
    public T* Take(long count)
    {
        if ((nuint)count > _count)
        {
            NativeMemory.AlignedFree(_numbers);
            _numbers = null;
            _count = 0;
            _numbers = (T*)NativeMemory.AlignedAlloc((nuint)count * (nuint)sizeof(T), CacheLine);
            _count = (nuint)count;
        }
        return _numbers;
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_numbers);
        _numbers = null;
        _count = 0;
    }
}

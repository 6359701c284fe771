using System.Runtime.InteropServices;

namespace Streaming.Inference.Memory;

/// <summary>Numbers outside the garbage collector's heap, at an address that a cache line begins at; it only grows.</summary>
internal sealed unsafe class NativeBuffer<T> : IDisposable
    where T : unmanaged
{
    private const int CacheLine = 64;
    private T* _numbers;
    private nuint _count;

    /// <summary>Room for so many numbers; what was there before is lost when it grows.</summary>
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

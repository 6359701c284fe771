using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Streaming.Bench.Peers.Runners;

/// <summary>Measures how fast the machine reads memory, with a plain loop over a buffer that has a part for each thread.</summary>
internal static class BandwidthRunner
{
    private const int Alignment = 64,
        Line = 512; // bytes; the loop's body reads eight vectors of 64

    public static Task RunAsync() =>
        RunnerLoop.RunAsync(
            Vector512.IsHardwareAccelerated ? "AVX-512 loads" : "loads of 512 bits by narrower vectors",
            request =>
                request.Measure == Measures.Read ? Task.FromResult(new RunnerReply { Ms = Read(request) }) : RunnerLoop.Unknown(request)
        );

    private static unsafe double[] Read(RunnerRequest request)
    {
        long part = request.Bytes / request.Threads / Line * Line;
        if (part == 0)
            throw new InvalidOperationException($"{request.Bytes} bytes are too few for {request.Threads} threads.");
        byte* buffer = (byte*)NativeMemory.AlignedAlloc((nuint)(part * request.Threads), Alignment);
        try
        {
            for (long at = 0; at < part * request.Threads; at += sizeof(long))
                *(long*)(buffer + at) = at; // backs every page with memory
            return Passes(request, buffer, part);
        }
        finally
        {
            NativeMemory.AlignedFree(buffer);
        }
    }

    /// <summary>Milliseconds of each pass over the whole buffer.</summary>
    private static unsafe double[] Passes(RunnerRequest request, byte* buffer, long part)
    {
        bool over = false;
        using var turn = new Barrier(request.Threads); // a pass is between two of its phases
        Thread[] others =
        [
            .. Enumerable
                .Range(1, request.Threads - 1)
                .Select(i => new Thread(() =>
                {
                    while (true)
                    {
                        turn.SignalAndWait();
                        if (Volatile.Read(ref over))
                            return;
                        Sum(buffer + i * part, part);
                        turn.SignalAndWait();
                    }
                })),
        ];
        foreach (Thread other in others)
            other.Start();
        double[] times = StepTimer.Measure(
            request,
            _ =>
            {
                turn.SignalAndWait();
                Sum(buffer, part);
                turn.SignalAndWait();
            }
        );
        Volatile.Write(ref over, true);
        turn.SignalAndWait();
        foreach (Thread other in others)
            other.Join();
        return times;
    }

    /// <summary>Reads a part. The stored result keeps the compiler from removing the reads.</summary>
    private static unsafe void Sum(byte* from, long bytes)
    {
        Vector512<long> a = default,
            b = default,
            c = default,
            d = default;
        for (byte* at = from, end = from + bytes; at < end; at += Line)
        {
            a ^= Vector512.Load((long*)at) ^ Vector512.Load((long*)(at + 256));
            b ^= Vector512.Load((long*)(at + 64)) ^ Vector512.Load((long*)(at + 320));
            c ^= Vector512.Load((long*)(at + 128)) ^ Vector512.Load((long*)(at + 384));
            d ^= Vector512.Load((long*)(at + 192)) ^ Vector512.Load((long*)(at + 448));
        }
        Volatile.Write(ref _read, Vector512.Sum(a ^ b ^ c ^ d));
    }

    private static long _read;
}

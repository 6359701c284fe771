using TorchSharp;

namespace Streaming.Training.Numerics;

/// <summary>
/// A parallel loop whose threads run libtorch single-threaded. libtorch's own threads synchronise at every operation, so they mostly
/// wait for each other when another process uses one of two cores. Here each thread takes the next index when it is free.
/// </summary>
/// <param name="threads">The number of threads.</param>
internal sealed class ParallelLoop(int threads)
{
    /// <summary>Runs the body for each index in [0, count), in no order, and returns when all are done.</summary>
    public void Run(int count, Action<int> body)
    {
        int next = -1;
        void Loop()
        {
            torch.set_num_threads(1); // the setting belongs to the calling thread
            for (int i = Interlocked.Increment(ref next); i < count; i = Interlocked.Increment(ref next))
                body(i);
        }

        Task[] others = [.. Enumerable.Range(1, Math.Min(threads, count) - 1).Select(_ => Task.Run(Loop))];
        try
        {
            Loop();
        }
        finally
        {
            Task.WaitAll(others);
        }
    }
}

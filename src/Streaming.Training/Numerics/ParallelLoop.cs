using TorchSharp;

namespace Streaming.Training.Numerics;

/// <summary>
/// Shares pieces of work among threads, each of which computes by itself: libtorch's own threads meet at every operation,
/// and where another process has one of two processors they wait for each other most of the time. A thread that gets on takes
/// the next piece.
/// </summary>
/// <param name="threads">How many threads.</param>
internal sealed class ParallelLoop(int threads)
{
    /// <summary>Does pieces 0 to below a count, in no order; returns when all are done.</summary>
    public void Run(int count, Action<int> piece)
    {
        int next = -1;
        void Loop()
        {
            torch.set_num_threads(1); // belongs to the thread that sets it
            for (int i = Interlocked.Increment(ref next); i < count; i = Interlocked.Increment(ref next))
                piece(i);
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

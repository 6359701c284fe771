namespace Streaming.Inference.Threading;

/// <summary>A task of independent parts. Implementations are reused with new data, so that a step allocates nothing.</summary>
internal interface IParallelTask
{
    /// <summary>Runs a part.</summary>
    /// <param name="part">0 to the number of parts, exclusive.</param>
    /// <param name="thread">Index of the thread, for its workspace; 0 is the caller's.</param>
    void Do(int part, int thread);
}

namespace Streaming.Inference.Threading;

/// <summary>A task that falls into independent parts. An object that is filled anew and used again, so that a step allocates nothing.</summary>
internal interface IParallelTask
{
    /// <summary>Does a part.</summary>
    /// <param name="part">0 to the number of parts, exclusive.</param>
    /// <param name="thread">Who does it: 0 is the caller; for workspaces.</param>
    void Do(int part, int thread);
}

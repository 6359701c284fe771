namespace Streaming.Inference.Threading;

/// <summary>Wakes one thread. If it is set while no thread waits, the next wait returns at once.</summary>
internal sealed class Signal
{
    private readonly object _gate = new();
    private bool _set;

    public void Set()
    {
        lock (_gate)
        {
            _set = true;
            Monitor.Pulse(_gate);
        }
    }

    public void Wait()
    {
        lock (_gate)
        {
            while (!_set)
                Monitor.Wait(_gate);
            _set = false;
        }
    }
}

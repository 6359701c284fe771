using System.Runtime.ExceptionServices;

namespace Streaming.Inference.Threading;

/// <summary>
/// The engine's own threads. Between two tasks of a step they spin for some microseconds, as waking a sleeper takes longer than most
/// tasks do; then they sleep, so that an idle host costs nothing. Parts are taken one by one, and the caller takes parts like everybody: a thread
/// that the system keeps from running, or that still sleeps, delays nobody but by the part it has taken. For such a part the caller spins not for long either: it
/// sleeps, so that its processor is free for whoever has the part.
/// </summary>
internal sealed class WorkerPool : IDisposable
{
    private const uint Closed = int.MaxValue;
    private const int SpinsBeforeSleep = 2_000; // a pause is some 10 to 40 ns: longer than the gaps between the tasks of a step
    private const int SpinsBeforeCallerSleeps = 5_000; // longer than a part usually takes
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(10);

    private readonly Thread[] _threads;
    private readonly SemaphoreSlim _wake = new(0);
    private readonly SemaphoreSlim _done = new(0);
    private IParallelTask? _task;
    private int _parts;
    private ulong _ticket; // the task's number above (it wraps around after some hours), the next part in the low 32 bits
    private int _unfinished;
    private int _sleepers;
    private int _callerSleeps; // 1: whoever does the last part wakes the caller
    private ExceptionDispatchInfo? _failure;
    private volatile bool _ended;

    /// <summary>Starts the threads beside the caller's own; one is none.</summary>
    public WorkerPool(int threads)
    {
        _threads = new Thread[threads - 1];
        for (int i = 0; i < _threads.Length; i++)
        {
            int thread = i + 1;
            _threads[i] = new Thread(() => Serve(thread)) { IsBackground = true, Name = $"kernels {thread}" };
            _threads[i].Start();
        }
    }

    /// <summary>Threads, the caller's included.</summary>
    public int Threads => _threads.Length + 1;

    /// <summary>Does all parts of a task and returns when they are done. Always called by one and the same thread.</summary>
    public void Run(IParallelTask task, int parts)
    {
        if (_threads.Length == 0 || parts <= 1)
        {
            for (int part = 0; part < parts; part++)
                task.Do(part, 0);
            return;
        }

        Volatile.Write(ref _task, task);
        Volatile.Write(ref _parts, parts);
        Volatile.Write(ref _unfinished, parts);
        uint number = NumberOf(_ticket) + 1;
        Volatile.Write(ref _ticket, (ulong)number << 32);
        Interlocked.MemoryBarrier(); // the ticket before the look at the sleepers: one of both sides sees the other
        int wanted = Math.Min(Volatile.Read(ref _sleepers), parts - 1) - _wake.CurrentCount; // those that were let go before and have not gone yet come anyway
        if (wanted > 0)
            _wake.Release(wanted);

        while (Take(number) is int part and >= 0)
            Do(task, part, 0);
        WaitForOthers();
        Volatile.Write(ref _ticket, (ulong)number << 32 | Closed); // from here on nobody takes a part of it, whatever _parts becomes
        if (_failure is { } failure)
        {
            _failure = null;
            failure.Throw();
        }
    }

    /// <summary>Of the threads beside the caller's own, how many live.</summary>
    internal int LivingThreads => _threads.Count(thread => thread.IsAlive);

    /// <summary>Of them, how many sleep, or are about to.</summary>
    internal int Sleepers => Volatile.Read(ref _sleepers);

    /// <summary>Whether the caller sleeps until the last part is done, or is about to.</summary>
    internal bool CallerSleeps => Volatile.Read(ref _callerSleeps) == 1;

    /// <summary>Ends the threads.</summary>
    public void Dispose()
    {
        _ended = true;
        if (_threads.Length > 0)
            _wake.Release(_threads.Length);
        foreach (Thread thread in _threads)
        {
            if (!thread.Join(EndTimeout))
                throw new TimeoutException($"A kernel thread did not end within {EndTimeout.TotalSeconds} s.");
        }
        _wake.Dispose();
        _done.Dispose();
    }

    /// <summary>Waits for parts that others do.</summary>
    private void WaitForOthers()
    {
        for (int spin = 0; spin < SpinsBeforeCallerSleeps; spin++)
        {
            if (Volatile.Read(ref _unfinished) == 0)
                return;
            Thread.SpinWait(1);
        }
        do
        {
            Volatile.Write(ref _callerSleeps, 1);
            Interlocked.MemoryBarrier(); // the flag before the look at the parts: one of both sides sees the other
            if (Volatile.Read(ref _unfinished) == 0 && Interlocked.Exchange(ref _callerSleeps, 0) == 1)
                return;
            _done.Wait(); // whoever took the flag down releases it, exactly once
        } while (Volatile.Read(ref _unfinished) > 0); // it may have been somebody who was kept from running since the task before
    }

    private void Serve(int thread)
    {
        uint seen = 0;
        while (WaitForTask(seen) is uint number)
        {
            // Read before a part is taken: if that succeeds, the task is the number's own, as another one replaces it only when it is closed.
            while (true)
            {
                IParallelTask task = Volatile.Read(ref _task)!;
                int part = Take(number);
                if (part < 0)
                    break;
                Do(task, part, thread);
            }
            seen = number;
        }
    }

    /// <summary>The number of a task that is another than the one that was seen last, or null at the end.</summary>
    private uint? WaitForTask(uint seen)
    {
        while (true)
        {
            for (int spin = 0; spin < SpinsBeforeSleep; spin++)
            {
                if (_ended)
                    return null;
                uint number = NumberOf(Volatile.Read(ref _ticket));
                if (number != seen)
                    return number;
                Thread.SpinWait(1);
            }
            Interlocked.Increment(ref _sleepers);
            if (NumberOf(Volatile.Read(ref _ticket)) == seen && !_ended)
                _wake.Wait();
            Interlocked.Decrement(ref _sleepers);
        }
    }

    /// <summary>Takes the next part of a task; negative when there is none, or the task is over.</summary>
    private int Take(uint number)
    {
        while (true)
        {
            ulong ticket = Volatile.Read(ref _ticket);
            int next = (int)(ticket & Closed);
            if (NumberOf(ticket) != number || next >= Volatile.Read(ref _parts))
                return -1;
            if (Interlocked.CompareExchange(ref _ticket, ticket + 1, ticket) == ticket)
                return next;
        }
    }

    private static uint NumberOf(ulong ticket) => (uint)(ticket >> 32);

    private void Do(IParallelTask task, int part, int thread)
    {
        try
        {
            task.Do(part, thread);
        }
        catch (Exception failure) // the edge of the thread: the caller throws it
        {
            _failure = ExceptionDispatchInfo.Capture(failure);
        }
        finally
        {
            if (Interlocked.Decrement(ref _unfinished) == 0 && Interlocked.Exchange(ref _callerSleeps, 0) == 1)
                _done.Release();
        }
    }
}

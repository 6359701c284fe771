using System.Runtime.ExceptionServices;

namespace Streaming.Inference.Threading;

/// <summary>
/// The engine's own threads. Between two tasks of a step they spin for some microseconds, because waking a thread takes longer than most
/// tasks. Then they sleep, so that an idle host costs nothing. Threads, including the caller's, take parts one by one, so a suspended or
/// sleeping thread delays the task by at most the part it has taken. The caller spins only briefly for such a part; then it sleeps, so
/// that its processor is free for the thread that has the part.
/// </summary>
internal sealed class WorkerPool : IDisposable
{
    private const uint Closed = int.MaxValue;
    private const int SpinsBeforeSleep = 2_000; // at 10 to 40 ns each: longer than the gaps between the tasks of a step
    private const int SpinsBeforeCallerSleeps = 5_000; // longer than most parts take
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(10);

    private readonly Thread[] _threads;
    private readonly SemaphoreSlim _wake = new(0);
    private readonly SemaphoreSlim _done = new(0);
    private IParallelTask? _task;
    private int _parts;
    private ulong _ticket; // high 32 bits: the task's number, which wraps around after some hours; low 32 bits: the next part
    private int _unfinished;
    private int _sleepers;
    private int _callerSleeps; // 1: the thread that finishes the last part must wake the caller
    private ExceptionDispatchInfo? _failure;
    private volatile bool _ended;

    /// <summary>Starts the threads.</summary>
    /// <param name="threads">Number of threads, including the caller's; 1 starts none.</param>
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

    /// <summary>Number of threads, including the caller's.</summary>
    public int Threads => _threads.Length + 1;

    /// <summary>Runs all parts of a task. All calls must come from the same thread.</summary>
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
        Interlocked.MemoryBarrier(); // writes the ticket before it reads the sleepers; WaitForTask does the reverse
        int wanted = Math.Min(Volatile.Read(ref _sleepers), parts - 1) - _wake.CurrentCount; // some may be released already
        if (wanted > 0)
            _wake.Release(wanted);

        while (Take(number) is int part and >= 0)
            Do(task, part, 0);
        WaitForOthers();
        Volatile.Write(ref _ticket, (ulong)number << 32 | Closed); // no thread takes a part of it any more
        if (_failure is { } failure)
        {
            _failure = null;
            failure.Throw();
        }
    }

    /// <summary>Number of living threads, without the caller's.</summary>
    internal int LivingThreads => _threads.Count(thread => thread.IsAlive);

    /// <summary>Number of threads that sleep or are about to.</summary>
    internal int Sleepers => Volatile.Read(ref _sleepers);

    /// <summary>Whether the caller sleeps or is about to.</summary>
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

    /// <summary>Waits for the parts of other threads.</summary>
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
            Interlocked.MemoryBarrier(); // writes the flag before it reads the parts; Do does the reverse
            if (Volatile.Read(ref _unfinished) == 0 && Interlocked.Exchange(ref _callerSleeps, 0) == 1)
                return;
            _done.Wait(); // the thread that resets the flag releases it, exactly once
        } while (Volatile.Read(ref _unfinished) > 0); // the release may come late, from the previous task
    }

    private void Serve(int thread)
    {
        uint seen = 0;
        while (WaitForTask(seen) is uint number)
        {
            // Reads the task before it takes a part: if that succeeds, the task has this number, because a task is replaced only
            // after its number is closed.
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

    /// <summary>The number of a new task, or null at the end.</summary>
    /// <param name="seen">The number of the last task.</param>
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

    /// <summary>Takes the next part of a task; negative if there is none or the task has ended.</summary>
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
        catch (Exception failure) // the thread's boundary: the caller rethrows it
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

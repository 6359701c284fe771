using Streaming.Inference.Threading;

namespace Streaming.Inference.Tests.Threading;

public class WorkerPoolTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(1), InlineData(2), InlineData(5)]
    public async Task Runs_every_part_of_a_task_once_before_the_next_task(int threads)
    {
        await Task.Run(
                () =>
                {
                    using var pool = new WorkerPool(threads);
                    var random = new Random(1);
                    CountedTask[] tasks = [new(), new(), new()];
                    for (int round = 0; round < 20_000; round++)
                    {
                        CountedTask task = tasks[random.Next(tasks.Length)];
                        int parts = random.Next(0, 12);
                        task.Begin(parts);
                        pool.Run(task, parts);
                        task.AssertDone(parts, threads);
                    }
                },
                TestContext.Current.CancellationToken
            )
            .WaitAsync(Deadline, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Wakes_sleeping_threads_for_a_task_that_needs_them()
    {
        await Task.Run(
                () =>
                {
                    using var pool = new WorkerPool(3);
                    for (int round = 0; round < 5; round++)
                    {
                        using var idle = new ManualResetEventSlim();
                        // Long enough for the threads to fall asleep.
                        Assert.False(idle.Wait(TimeSpan.FromMilliseconds(20), TestContext.Current.CancellationToken));
                        using var meeting = new MeetingWork(3);
                        pool.Run(meeting, 3); // ends only if three threads run it at once
                        Assert.Equal([0, 1, 2], meeting.Threads.Order());
                    }
                },
                TestContext.Current.CancellationToken
            )
            .WaitAsync(Deadline, TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData(1), InlineData(3)]
    public async Task A_failing_part_fails_the_call_and_the_pool_stays_usable(int threads)
    {
        await Task.Run(
                () =>
                {
                    using var pool = new WorkerPool(threads);
                    Assert.Equal("part 4", Assert.Throws<InvalidOperationException>(() => pool.Run(new FailingTask(), 9)).Message);
                    var task = new CountedTask();
                    task.Begin(9);
                    pool.Run(task, 9);
                    task.AssertDone(9, threads);
                },
                TestContext.Current.CancellationToken
            )
            .WaitAsync(Deadline, TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Disposing_ends_all_threads_asleep_or_awake()
    {
        for (int round = 0; round < 100; round++)
        {
            var pool = new WorkerPool(3);
            var task = new CountedTask();
            task.Begin(8);
            pool.Run(task, 8); // its threads now spin, or have not started yet
            if (round % 4 == 0)
                Assert.True(SpinWait.SpinUntil(() => pool.Sleepers == 2, Deadline), "The threads did not fall asleep.");
            Assert.Equal(2, pool.LivingThreads);

            pool.Dispose();

            Assert.Equal(0, pool.LivingThreads);
        }
    }

    [Fact]
    public async Task A_caller_sleeps_while_another_threads_part_takes_long()
    {
        await Task.Run(
                () =>
                {
                    using var pool = new WorkerPool(2);
                    for (int round = 0; round < 50; round++)
                    {
                        using var task = new LastPartTask(pool);
                        pool.Run(task, 2);
                        Assert.True(task.CallerSlept);
                    }
                },
                TestContext.Current.CancellationToken
            )
            .WaitAsync(Deadline, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Many_pools_with_more_threads_than_processors_make_progress()
    {
        await Task.WhenAll(
                Enumerable
                    .Range(0, 2 * Environment.ProcessorCount)
                    .Select(seed =>
                        Task.Factory.StartNew(
                            () =>
                            {
                                using var pool = new WorkerPool(2 * Environment.ProcessorCount + 1);
                                var random = new Random(seed);
                                var task = new CountedTask();
                                for (int round = 0; round < 2_000; round++)
                                {
                                    int parts = random.Next(0, 12);
                                    task.Begin(parts);
                                    pool.Run(task, parts);
                                    task.AssertDone(parts, pool.Threads);
                                }
                            },
                            TestContext.Current.CancellationToken,
                            TaskCreationOptions.LongRunning,
                            TaskScheduler.Default
                        )
                    )
            )
            .WaitAsync(Deadline, TestContext.Current.CancellationToken);
    }

    /// <summary>Two parts; the other thread's part ends only after the caller has fallen asleep.</summary>
    private sealed class LastPartTask(WorkerPool pool) : IParallelTask, IDisposable
    {
        private readonly Barrier _both = new(2);

        public void Dispose() => _both.Dispose();

        public bool CallerSlept { get; private set; }

        public void Do(int part, int thread)
        {
            Assert.True(_both.SignalAndWait(Deadline), "The other thread did not come."); // so no thread takes both parts
            if (thread != 0)
                CallerSlept = SpinWait.SpinUntil(() => pool.CallerSleeps, Deadline);
        }
    }

    private sealed class CountedTask : IParallelTask
    {
        private readonly int[] _done = new int[16];
        private int _greatestThread;

        public void Begin(int parts)
        {
            Array.Clear(_done);
            _greatestThread = 0;
        }

        public void Do(int part, int thread)
        {
            Interlocked.Increment(ref _done[part]);
            int seen = Volatile.Read(ref _greatestThread);
            while (thread > seen && Interlocked.CompareExchange(ref _greatestThread, thread, seen) is int other && other != seen)
                seen = other;
        }

        public void AssertDone(int parts, int threads)
        {
            Assert.All(_done.Take(parts), count => Assert.Equal(1, count));
            Assert.All(_done.Skip(parts), count => Assert.Equal(0, count));
            Assert.InRange(_greatestThread, 0, threads - 1);
        }
    }

    private sealed class MeetingWork(int threads) : IParallelTask, IDisposable
    {
        private readonly Barrier _barrier = new(threads);

        public void Dispose() => _barrier.Dispose();

        public List<int> Threads { get; } = [];

        public void Do(int part, int thread)
        {
            lock (Threads)
                Threads.Add(thread);
            Assert.True(_barrier.SignalAndWait(Deadline), "A thread did not come.");
        }
    }

    private sealed class FailingTask : IParallelTask
    {
        public void Do(int part, int thread)
        {
            if (part == 4)
                throw new InvalidOperationException("part 4");
        }
    }
}

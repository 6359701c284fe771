using Streaming.Inference.Decoding.Managed;

namespace Streaming.Inference.Tests.Decoding.Managed;

public class WorkerPoolTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(1), InlineData(2), InlineData(5)]
    public async Task Every_part_of_every_work_is_done_once_before_the_next_begins(int threads)
    {
        await Task.Run(() =>
        {
            using var pool = new WorkerPool(threads);
            var random = new Random(1);
            CountedWork[] works = [new(), new(), new()];
            for (int round = 0; round < 20_000; round++)
            {
                CountedWork work = works[random.Next(works.Length)];
                int parts = random.Next(0, 12);
                work.Begin(parts);
                pool.Run(work, parts);
                work.AssertDone(parts, threads);
            }
        }, TestContext.Current.CancellationToken).WaitAsync(Deadline, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Threads_that_sleep_are_woken_by_work_that_needs_them()
    {
        await Task.Run(() =>
        {
            using var pool = new WorkerPool(3);
            for (int round = 0; round < 5; round++)
            {
                using var idle = new ManualResetEventSlim();
                Assert.False(idle.Wait(TimeSpan.FromMilliseconds(20), TestContext.Current.CancellationToken)); // long enough to fall asleep
                var meeting = new MeetingWork(3);
                pool.Run(meeting, 3); // ends only when three threads are in it at once
                Assert.Equal([0, 1, 2], meeting.Threads.Order());
            }
        }, TestContext.Current.CancellationToken).WaitAsync(Deadline, TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData(1), InlineData(3)]
    public async Task A_part_that_fails_fails_the_call_and_the_pool_goes_on(int threads)
    {
        await Task.Run(() =>
        {
            using var pool = new WorkerPool(threads);
            Assert.Equal("part 4", Assert.Throws<InvalidOperationException>(() => pool.Run(new FailingWork(), 9)).Message);
            var work = new CountedWork();
            work.Begin(9);
            pool.Run(work, 9);
            work.AssertDone(9, threads);
        }, TestContext.Current.CancellationToken).WaitAsync(Deadline, TestContext.Current.CancellationToken);
    }

    private sealed class CountedWork : IPartedWork
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

    private sealed class MeetingWork(int threads) : IPartedWork
    {
        private readonly Barrier _barrier = new(threads);

        public List<int> Threads { get; } = [];

        public void Do(int part, int thread)
        {
            lock (Threads)
                Threads.Add(thread);
            Assert.True(_barrier.SignalAndWait(Deadline), "A thread did not come.");
        }
    }

    private sealed class FailingWork : IPartedWork
    {
        public void Do(int part, int thread)
        {
            if (part == 4)
                throw new InvalidOperationException("part 4");
        }
    }
}

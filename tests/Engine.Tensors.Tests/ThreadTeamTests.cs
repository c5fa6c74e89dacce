namespace Engine.Tensors.Tests;

/// <summary>Tests that change the number of threads run one after another.</summary>
[CollectionDefinition("Threads", DisableParallelization = true)]
public sealed class ThreadsCollection;

[Collection("Threads")]
public sealed class ThreadTeamTests : IDisposable
{
    readonly int threads = ThreadTeam.Threads;

    public void Dispose() => ThreadTeam.Threads = threads;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    public void Runs_every_iteration_exactly_once(int threads)
    {
        ThreadTeam.Threads = threads;
        foreach (int count in (int[])[0, 1, 2, 3, 7, 64, 1000])
        {
            int[] runs = new int[count];
            for (int repeat = 0; repeat < 200; repeat++) ThreadTeam.For(count, i => Interlocked.Increment(ref runs[i]));
            Assert.All(runs, r => Assert.Equal(200, r));
        }
    }

    [Fact]
    public void Is_done_with_all_iterations_when_it_returns()
    {
        ThreadTeam.Threads = 4;
        for (int repeat = 0; repeat < 2000; repeat++)
        {
            int finished = 0;
            ThreadTeam.For(9, i =>
            {
                Thread.SpinWait(i * 20);
                Interlocked.Increment(ref finished);
            });
            Assert.Equal(9, finished);
        }
    }

    [Fact]
    public void Uses_several_threads()
    {
        ThreadTeam.Threads = 2;
        using Barrier barrier = new(2);
        bool together = true;
        ThreadTeam.For(2, _ => together &= barrier.SignalAndWait(TimeSpan.FromSeconds(20)));
        Assert.True(together);
    }

    [Fact]
    public void Wakes_threads_that_have_gone_to_sleep()
    {
        ThreadTeam.Threads = 2;
        for (int repeat = 0; repeat < 20; repeat++)
        {
            Thread.Sleep(5);
            using Barrier barrier = new(2);
            bool together = true;
            ThreadTeam.For(2, _ => together &= barrier.SignalAndWait(TimeSpan.FromSeconds(20)));
            Assert.True(together);
        }
    }

    [Fact]
    public void A_loop_inside_a_loop_runs_on_its_own_thread()
    {
        ThreadTeam.Threads = 3;
        int runs = 0, strays = 0;
        ThreadTeam.For(6, _ =>
        {
            int outer = Environment.CurrentManagedThreadId;
            ThreadTeam.For(10, _ =>
            {
                if (Environment.CurrentManagedThreadId != outer) Interlocked.Increment(ref strays);
                Interlocked.Increment(ref runs);
            });
        });
        Assert.Equal((60, 0), (runs, strays));
    }

    [Fact]
    public void Loops_of_several_callers_do_not_mix()
    {
        ThreadTeam.Threads = 2;
        long[] sums = new long[4];
        Thread[] callers = new Thread[sums.Length];
        for (int c = 0; c < callers.Length; c++)
        {
            int caller = c;
            callers[c] = new(() =>
            {
                for (int repeat = 0; repeat < 500; repeat++)
                    ThreadTeam.For(20, i => Interlocked.Add(ref sums[caller], i + 1));
            });
            callers[c].Start();
        }

        foreach (Thread caller in callers) caller.Join();
        Assert.All(sums, sum => Assert.Equal(500 * 210, sum));
    }

    [Fact]
    public void An_exception_reaches_the_caller_and_the_team_works_on()
    {
        ThreadTeam.Threads = 3;
        for (int repeat = 0; repeat < 100; repeat++)
        {
            int bad = repeat % 9;
            InvalidOperationException thrown = Assert.Throws<InvalidOperationException>(() =>
                ThreadTeam.For(9, i =>
                {
                    if (i == bad) throw new InvalidOperationException($"iteration {i}");
                }));
            Assert.Equal($"iteration {bad}", thrown.Message);

            int runs = 0;
            ThreadTeam.For(9, _ => Interlocked.Increment(ref runs));
            Assert.Equal(9, runs);
        }
    }

    [Fact]
    public void Allocates_nothing()
    {
        ThreadTeam.Threads = 2;
        int sink = 0;
        Action<int> body = i => Interlocked.Add(ref sink, i);
        for (int repeat = 0; repeat < 100; repeat++) ThreadTeam.For(16, body);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int repeat = 0; repeat < 1000; repeat++) ThreadTeam.For(16, body);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Refuses_fewer_than_one_thread() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => ThreadTeam.Threads = 0);
}

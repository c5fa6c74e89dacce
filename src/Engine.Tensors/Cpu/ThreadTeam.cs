using System.Diagnostics;
using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Engine.Tensors;

/// <summary>
/// The threads that compute on the CPU: the caller and dedicated background threads, which wait for the next loop by
/// spinning for some tens of microseconds (a training step runs one kernel right after another) and then sleep.
/// </summary>
/// <remarks>
/// Every participant owns a fixed share of the iterations, the same in every loop of that size, so that its caches stay
/// warm; one that is done early takes iterations from the others. The caller waits only for iterations that somebody has
/// begun: where the machine is busy with other work and no helper gets a processor, the caller does everything itself.
/// </remarks>
public static class ThreadTeam
{
    const int SpinMicroseconds = 50;

    // state: the number of the loop << 32 | closed << 31 | how many helpers have joined it.
    const long Closed = 1L << 31, JoinedMask = Closed - 1;

    static int threads = DefaultThreads();
    static Helper[] helpers = [];
    static int busy;
    static long state = Closed;
    static int left;
    static Share[] shares = [];
    static int parts;
    static Action<int>? job;
    static ExceptionDispatchInfo? failure;

    [ThreadStatic] static bool inside;

    /// <summary>How many threads a loop uses, the caller's among them: the processors, or ENGINE_THREADS from the environment.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public static int Threads
    {
        get => threads;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            threads = value;
        }
    }

    static int DefaultThreads() =>
        int.TryParse(Environment.GetEnvironmentVariable("ENGINE_THREADS"), NumberStyles.None, CultureInfo.InvariantCulture, out int given) && given > 0
            ? given
            : Environment.ProcessorCount;

    /// <summary>
    /// Runs body(0) ... body(count - 1), each once, and returns when all are done. Which thread runs which, and in what
    /// order, is not defined; a loop inside a body, or beside another thread's loop, runs on its own thread.
    /// </summary>
    /// <remarks>An exception of a body ends the loop early and is rethrown here; of several, the first.</remarks>
    public static void For(int count, Action<int> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        int participants = Math.Min(threads, count);
        if (participants <= 1 || inside || Interlocked.CompareExchange(ref busy, 1, 0) != 0)
        {
            for (int i = 0; i < count; i++) body(i);
            return;
        }

        ExceptionDispatchInfo? thrown;
        inside = true;
        try
        {
            Publish(count, participants, body);
            RunShares(0);
            Finish();
        }
        finally
        {
            thrown = failure;
            (failure, job) = (null, null);
            inside = false;
            Volatile.Write(ref busy, 0);
        }

        thrown?.Throw();
    }

    static void Publish(int count, int participants, Action<int> body)
    {
        if (helpers.Length < participants - 1) Grow(participants);
        (parts, job, left) = (participants, body, 0);
        for (int part = 0; part < participants; part++)
        {
            shares[part].Next = (int)((long)count * part / participants);
            shares[part].End = (int)((long)count * (part + 1) / participants);
        }

        long number = (state >> 32) + 1;
        Interlocked.Exchange(ref state, number << 32);
        for (int i = 0; i < participants - 1; i++) helpers[i].Wake();
    }

    static void Grow(int participants)
    {
        shares = new Share[participants];
        Helper[] grown = new Helper[participants - 1];
        helpers.CopyTo(grown, 0);
        for (int i = helpers.Length; i < grown.Length; i++) grown[i] = new Helper(i + 1, state >> 32);
        helpers = grown;
    }

    // Nobody joins any more; then wait for those who did.
    static void Finish()
    {
        long joined = Interlocked.Or(ref state, Closed) & JoinedMask;
        SpinWait spin = default;
        while (Volatile.Read(ref left) < joined) spin.SpinOnce(sleep1Threshold: -1);
    }

    static void RunShares(int own)
    {
        Action<int> body = job!;
        int count = parts;
        try
        {
            for (int i = 0; i < count; i++)
            {
                ref Share share = ref shares[(own + i) % count];
                int end = share.End;
                while (Volatile.Read(ref share.Next) < end)
                {
                    int index = Interlocked.Increment(ref share.Next) - 1;
                    if (index < end) body(index);
                }
            }
        }
        catch (Exception exception)
        {
            Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(exception), null);
            for (int part = 0; part < count; part++) Volatile.Write(ref shares[part].Next, int.MaxValue >> 1);
        }
    }

    static bool TryJoin()
    {
        long seen = Volatile.Read(ref state);
        while ((seen & Closed) == 0)
        {
            long before = Interlocked.CompareExchange(ref state, seen + 1, seen);
            if (before == seen) return true;
            seen = before;
        }

        return false;
    }

    // A cache line of its own (two, for the adjacent-line prefetcher): the owner counts up without disturbing the others.
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    struct Share
    {
        [FieldOffset(0)] public int Next;
        [FieldOffset(4)] public int End;
    }

    sealed class Helper
    {
        readonly SemaphoreSlim token = new(0);
        readonly int part;
        long done;
        int sleeping;

        public Helper(int part, long number)
        {
            (this.part, done) = (part, number);
            new Thread(Run) { IsBackground = true, Name = $"engine-cpu-{part}" }.Start();
        }

        public void Wake()
        {
            if (Volatile.Read(ref sleeping) == 1 && Interlocked.Exchange(ref sleeping, 0) == 1) token.Release();
        }

        bool HasNews => Volatile.Read(ref state) >> 32 != done;

        void Run()
        {
            inside = true;
            while (true)
            {
                Await();
                done = Volatile.Read(ref state) >> 32;
                if (!TryJoin()) continue;

                // Joined: the caller waits for us, so the loop's fields stay as they are, though it may be a newer loop
                // than the one that was announced.
                done = Volatile.Read(ref state) >> 32;
                if (part < parts) RunShares(part);
                Interlocked.Increment(ref left);
            }
        }

        void Await()
        {
            long deadline = Stopwatch.GetTimestamp() + Stopwatch.Frequency * SpinMicroseconds / 1_000_000;
            while (Environment.ProcessorCount > 1 && Stopwatch.GetTimestamp() < deadline)
            {
                if (HasNews) return;
                Thread.SpinWait(4);
            }

            while (!HasNews)
            {
                Interlocked.Exchange(ref sleeping, 1);

                // A loop published just before is not missed: either we see it here, or its caller saw us asleep.
                if (HasNews && Interlocked.Exchange(ref sleeping, 0) == 1) return;
                token.Wait();
            }
        }
    }
}

using System.Runtime.ExceptionServices;

namespace Engine.Training;

/// <summary>What an <see cref="EpochRun{TBuffer}"/> walks: samples in an order, and buffers that hold a batch of them.</summary>
/// <typeparam name="TBuffer">The arrays of one full batch.</typeparam>
interface IEpochSource<TBuffer>
{
    LoaderOptions Options { get; }

    /// <summary>Batches an epoch.</summary>
    int BatchCount { get; }

    /// <summary>The samples of an epoch, in order.</summary>
    int[] Order(int epoch);

    TBuffer Rent();

    /// <summary>Fills one place of a batch; called on several threads at once.</summary>
    void Fill(TBuffer buffer, int slot, int index, int epoch);

    void GiveBack(TBuffer buffer);
}

/// <summary>A batch that all workers are done with.</summary>
readonly record struct FilledBuffer<TBuffer>(TBuffer Buffer, int Count);

/// <summary>
/// One epoch under way. Workers take samples one at a time in the epoch's order, so that the batch needed next is also
/// the one that all of them work on; a window of batches bounds how far ahead they go. One lock guards the bookkeeping;
/// it is held for a few instructions a sample.
/// </summary>
sealed class EpochRun<TBuffer> : IDisposable
{
    readonly IEpochSource<TBuffer> loader;
    readonly int epoch;
    readonly int[] order;
    readonly int samples;               // those in batches, without a dropped last one
    readonly Pending?[] window;         // batch b is at b % length
    readonly Thread[] workers;
    readonly object gate = new();
    int nextSample;                     // guarded by gate, as all below
    int endOfWindow;                    // first batch that must not be begun yet
    bool stopped;

    public EpochRun(IEpochSource<TBuffer> loader, int epoch, int firstBatch)
    {
        this.loader = loader;
        this.epoch = epoch;
        order = loader.Order(epoch);
        samples = Math.Min((int)Math.Min((long)loader.BatchCount * loader.Options.BatchSize, int.MaxValue), order.Length);
        nextSample = Math.Min(firstBatch * loader.Options.BatchSize, samples);
        window = new Pending?[loader.Options.Prefetch + 1];
        endOfWindow = firstBatch + window.Length;
        workers = new Thread[loader.Options.Threads];
        for (int i = 0; i < workers.Length; i++)
        {
            workers[i] = new Thread(Work) { IsBackground = true, Name = $"image loader {i}" };
            workers[i].Start();
        }
    }

    /// <summary>Waits for a batch, the next in order, and lets the workers go one further.</summary>
    public FilledBuffer<TBuffer> Take(int number, CancellationToken cancellationToken)
    {
        using var wake = cancellationToken.UnsafeRegister(_ => { lock (gate) Monitor.PulseAll(gate); }, null);
        Pending? pending;
        lock (gate)
        {
            while ((pending = window[number % window.Length]) is null || pending.Remaining > 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Monitor.Wait(gate);
            }
            cancellationToken.ThrowIfCancellationRequested();
            window[number % window.Length] = null;
            endOfWindow = number + 1 + window.Length;
            Monitor.PulseAll(gate);
        }
        if (pending.Failure is { } failure)
        {
            loader.GiveBack(pending.Buffer);
            ExceptionDispatchInfo.Throw(failure);
        }
        return new FilledBuffer<TBuffer>(pending.Buffer, pending.Count);
    }

    /// <summary>Stops the workers and waits until each has finished the image it is at.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            stopped = true;
            Monitor.PulseAll(gate);
        }
        foreach (var worker in workers)
            worker.Join();
        foreach (var pending in window)
            if (pending is not null)
                loader.GiveBack(pending.Buffer);
    }

    void Work()
    {
        while (Claim(out var pending, out int sample))
        {
            Exception? failure = null;
            try
            {
                loader.Fill(pending.Buffer, sample - pending.FirstSample, order[sample], epoch);
            }
            catch (Exception exception)
            {
                failure = exception;        // whatever it is, it belongs to the thread that asked for the batch
            }
            lock (gate)
            {
                if (failure is not null)
                    pending.Fail(sample, failure);
                if (--pending.Remaining == 0)
                    Monitor.PulseAll(gate);
            }
        }
    }

    bool Claim(out Pending pending, out int sample)
    {
        int batchSize = loader.Options.BatchSize;
        lock (gate)
        {
            while (!stopped && nextSample < samples && nextSample / batchSize >= endOfWindow)
                Monitor.Wait(gate);
            sample = nextSample;
            pending = null!;
            if (stopped || sample >= samples)
                return false;
            nextSample++;
            int number = sample / batchSize;
            pending = window[number % window.Length] ??=
                new Pending(loader.Rent(), number * batchSize, Math.Min(batchSize, samples - number * batchSize));
            return true;
        }
    }

    /// <summary>A batch in the making.</summary>
    sealed class Pending(TBuffer buffer, int firstSample, int count)
    {
        int failedSample = int.MaxValue;

        public TBuffer Buffer => buffer;

        public int FirstSample => firstSample;

        public int Count { get; } = count;

        public int Remaining { get; set; } = count;

        public Exception? Failure { get; private set; }

        /// <summary>Keeps the failure of the earliest sample, so that the one reported does not depend on timing.</summary>
        public void Fail(int sample, Exception failure)
        {
            if (sample < failedSample)
                (failedSample, Failure) = (sample, failure);
        }
    }
}

using System.Numerics;
using System.Runtime.InteropServices;

namespace Engine.Tensors;

/// <summary>
/// Native memory in size classes. A block that comes back is kept for the next request of its class, so a training step
/// asks the operating system for nothing once it has run. Safe on several threads, the finalizer's among them.
/// </summary>
sealed unsafe class MemoryPool
{
    const int Alignment = 64;

    // Blocks above the page size start on a page: large ones may then be backed by huge pages.
    const int PageAlignment = 4096;

    // Without a scope only the collector returns memory, and it sees small objects, not the native blocks behind them:
    // once this much has been rented since it last ran, it is asked to look.
    const long CollectAfter = 512L << 20;

    readonly Lock gate = new();
    readonly Dictionary<long, Stack<nint>> idle = [];
    long used, peak, pooled, unscoped;

    public MemoryUse Use
    {
        get
        {
            lock (gate) return new(used, peak, pooled);
        }
    }

    /// <summary>The peak begins anew at what is in use.</summary>
    public void ResetPeak()
    {
        lock (gate) peak = used;
    }

    public CpuStorage Rent(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        long capacity = SizeClass(bytes);
        if (StepScope.Current is null) CollectForgotten(capacity);
        byte* block = Take(capacity);
        return new(this, block, bytes, capacity);
    }

    byte* Take(long capacity)
    {
        lock (gate)
        {
            used += capacity;
            peak = Math.Max(peak, used);
            if (idle.TryGetValue(capacity, out Stack<nint>? blocks) && blocks.TryPop(out nint block))
            {
                pooled -= capacity;
                return (byte*)block;
            }
        }

        try
        {
            return Allocate(capacity);
        }
        catch (OutOfMemoryException)
        {
            Trim();
            try
            {
                return Allocate(capacity);
            }
            catch (OutOfMemoryException inner)
            {
                lock (gate) used -= capacity;
                throw new DeviceException(
                    $"Out of memory on cpu: {capacity >> 20} MB asked, {Use.Used >> 20} MB in use. Take a smaller batch or shorter sequences.", inner);
            }
        }
    }

    static byte* Allocate(long capacity) =>
        (byte*)NativeMemory.AlignedAlloc((nuint)capacity, capacity >= PageAlignment ? (nuint)PageAlignment : Alignment);

    public void Return(byte* block, long capacity)
    {
        lock (gate)
        {
            used -= capacity;
            pooled += capacity;
            if (!idle.TryGetValue(capacity, out Stack<nint>? blocks)) idle[capacity] = blocks = new();
            blocks.Push((nint)block);
        }
    }

    /// <summary>Gives all idle blocks back to the operating system.</summary>
    public void Trim()
    {
        lock (gate)
        {
            foreach (Stack<nint> blocks in idle.Values)
                while (blocks.TryPop(out nint block)) NativeMemory.AlignedFree((void*)block);
            pooled = 0;
        }
    }

    void CollectForgotten(long capacity)
    {
        if (Interlocked.Add(ref unscoped, capacity) < CollectAfter) return;
        Interlocked.Exchange(ref unscoped, 0);
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    // Powers of two with three steps between them: at most a fifth of a block is wasted, and few classes suffice.
    static long SizeClass(long bytes)
    {
        long size = Math.Max(bytes, 256);
        long step = Math.Max((long)BitOperations.RoundUpToPowerOf2((ulong)size) / 8, Alignment);
        return (size + step - 1) / step * step;
    }
}

using System.Numerics;
using Engine.Tensors;
using ILGPU.Runtime;
using ILGPU.Runtime.OpenCL;

namespace Engine.Gpu;

/// <summary>
/// A device's memory in size classes. A block that comes back is kept for the next request of its class; since all work
/// runs on one stream in order, it may be given out again before the work that used it is done. Asking a driver for memory
/// waits for the device: after the first steps of a training nobody asks any more.
/// </summary>
sealed class GpuMemoryPool(Accelerator accelerator, DriverCalls driver)
{
    const long Smallest = 256;

    // Without a scope only the collector returns memory, and it does not see what lies behind a storage: once this much has
    // been taken since it last ran, it is asked to look.
    const long CollectAfter = 512L << 20;

    readonly Lock gate = new();
    readonly Dictionary<long, Stack<MemoryBuffer>> idle = [];

    // ILGPU's buffers have finalizers. A forgotten storage comes back through its own, and its block must not have been
    // finalized beside it: here every block stays reachable.
    readonly HashSet<MemoryBuffer> blocks = [];
    long used, peak, pooled, unscoped;

    /// <summary>Bytes in use, at the peak, and idle here.</summary>
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

    /// <summary>How often the driver was asked for memory.</summary>
    public long DriverAllocations { get; private set; }

    /// <summary>A block of at least that many bytes.</summary>
    /// <exception cref="DeviceException">There is not enough.</exception>
    public GpuStorage Rent(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        long capacity = SizeClass(bytes);
        if (StepScope.Current is null) CollectForgotten(capacity);
        return new(this, Take(capacity, bytes), bytes);
    }

    MemoryBuffer Take(long capacity, long bytes)
    {
        lock (gate)
        {
            if (idle.TryGetValue(capacity, out Stack<MemoryBuffer>? waiting) && waiting.TryPop(out MemoryBuffer? block)) pooled -= capacity;
            else blocks.Add(block = Allocate(capacity, bytes));
            used += capacity;
            peak = Math.Max(peak, used);
            return block;
        }
    }

    MemoryBuffer Allocate(long capacity, long bytes)
    {
        DriverAllocations++;
        if (Ask(capacity) is { } block) return block;
        Trim();
        return Ask(capacity) ?? throw new DeviceException(
            $"Out of memory on {accelerator.Name.Trim()}: {Megabytes(bytes)} asked, {Megabytes(used)} of {Megabytes(accelerator.MemorySize)} in use here, " +
            $"{Megabytes(Math.Max(0, accelerator.MemorySize - used))} free unless others use the device{Largest(capacity)}. {DriverCalls.Advice}");
    }

    // Null where memory is lacking.
    MemoryBuffer? Ask(long capacity)
    {
        try
        {
            driver.Begin();
            return accelerator.Allocate1D<byte>(capacity);
        }
        catch (Exception lacking) when (DriverCalls.IsMemory(lacking) || lacking is CLException { Error: CLError.CL_OUT_OF_RESOURCES })
        {
            return null;
        }
        catch (AcceleratorException failure)
        {
            throw driver.Failed(failure, $"give {Megabytes(capacity)} of memory");
        }
    }

    // OpenCL drivers limit a single piece, to a quarter of the memory for instance.
    string Largest(long capacity) =>
        accelerator.Device is CLDevice device && device.GetDeviceInfo<long>(CLDeviceInfoType.CL_DEVICE_MAX_MEM_ALLOC_SIZE) is var most && most < capacity ? $", {Megabytes(most)} at most in one piece" : "";

    static string Megabytes(long bytes) => $"{(bytes + (1 << 20) - 1) >> 20:N0} MB";

    /// <summary>Takes a block back; from any thread.</summary>
    public void Return(MemoryBuffer block)
    {
        lock (gate)
        {
            long capacity = block.LengthInBytes;
            used -= capacity;
            if (accelerator.IsDisposed) return;
            pooled += capacity;
            if (!idle.TryGetValue(capacity, out Stack<MemoryBuffer>? waiting)) idle[capacity] = waiting = new();
            waiting.Push(block);
        }
    }

    /// <summary>Gives all idle blocks back to the driver.</summary>
    public void Trim()
    {
        lock (gate)
        {
            try
            {
                driver.Begin();
                accelerator.Synchronize();
                foreach (Stack<MemoryBuffer> waiting in idle.Values)
                {
                    while (waiting.TryPop(out MemoryBuffer? block))
                    {
                        blocks.Remove(block);
                        block.Dispose();
                    }
                }
            }
            catch (AcceleratorException failure)
            {
                throw driver.Failed(failure, "take memory back");
            }

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

    // Powers of two with three steps between them, as in the CPU's pool.
    static long SizeClass(long bytes)
    {
        long size = Math.Max(bytes, Smallest);
        long step = Math.Max((long)BitOperations.RoundUpToPowerOf2((ulong)size) / 8, Smallest);
        return (size + step - 1) / step * step;
    }
}

using Engine.Tensors;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.OpenCL;

namespace Engine.Gpu;

/// <summary>An opened device: its stream, its kernels, its memory, and what it has counted.</summary>
sealed class GpuRuntime
{
    readonly Lock gate = new();
    readonly KernelLoader loader;
    readonly UploadRing uploads;

    /// <summary>Opens a device.</summary>
    /// <exception cref="DeviceException">The driver refuses.</exception>
    public GpuRuntime(Context context, ILGPU.Runtime.Device device)
    {
        Accelerator = device.CreateAccelerator(context);
        Stream = Accelerator.DefaultStream;
        loader = new(Accelerator);
        Driver = new(Accelerator.Name.Trim());
        Memory = new(Accelerator, Driver);
        uploads = new(Accelerator, Stream);
        Faults = new(Accelerator, Stream);
        IsProcessor = device is CLDevice opencl && opencl.DeviceType.HasFlag(CLDeviceType.CL_DEVICE_TYPE_CPU);
    }

    /// <summary>Whether the device is a processor under OpenCL, whose groups are loops on its cores: kernels for it avoid barriers. Tests set it to run other devices' kernels.</summary>
    public bool IsProcessor { get; set; }

    /// <summary>ILGPU's device.</summary>
    public Accelerator Accelerator { get; }

    /// <summary>The one queue that everything runs on, in order.</summary>
    public AcceleratorStream Stream { get; }

    /// <summary>What becomes of a call to the driver that fails.</summary>
    public DriverCalls Driver { get; }

    /// <summary>Its memory.</summary>
    public GpuMemoryPool Memory { get; }

    /// <summary>What kernels found wrong and the host has not yet heard of.</summary>
    public DeviceFaults Faults { get; }

    /// <summary>Kernels started so far.</summary>
    public long Launches { get; private set; }

    /// <summary>Times the host waited for the device to read from it.</summary>
    public long HostReads { get; private set; }

    /// <summary>Kernels loaded, and the time that took.</summary>
    public (int Count, TimeSpan Time) Loaded => (loader.Count, loader.LoadTime);

    /// <summary>Queues a kernel over a number of groups of <see cref="KernelLoader.GroupSize"/> threads, with shared memory whose size the kernel does not fix.</summary>
    public void Launch<TArguments>(Action<TArguments> kernel, long groups, in TArguments arguments, int sharedBytes = 0) where TArguments : struct
    {
        if (groups == 0) return;
        if (groups > int.MaxValue) throw new DeviceException($"{Accelerator.Name}: a kernel over {groups:N0} groups is more than a device takes; split the tensor.");
        Action<AcceleratorStream, KernelConfig, TArguments> start = loader.Get(kernel);
        KernelConfig config = sharedBytes == 0
            ? new((int)groups, KernelLoader.GroupSize)
            : new((int)groups, KernelLoader.GroupSize, SharedMemoryConfig.RequestDynamic<byte>(sharedBytes));

        // OpenCL sets a kernel's arguments one by one: two threads must not do so at once.
        lock (gate)
        {
            Launches++;
            try
            {
                Driver.Begin();
                start(Stream, config, arguments);
            }
            catch (AcceleratorException failure)
            {
                throw Driver.Failed(failure, "start a kernel");
            }
        }
    }

    /// <summary>Queues a kernel with a thread for each of <paramref name="count"/> items.</summary>
    public void LaunchItems<TArguments>(Action<TArguments> kernel, long count, in TArguments arguments) where TArguments : struct =>
        Launch(kernel, (count + KernelLoader.GroupSize - 1) / KernelLoader.GroupSize, arguments);

    /// <summary>A tensor's memory as elements: from its lowest element on, and where in that view the tensor's first element is.</summary>
    public static (ArrayView<TWord> View, int Origin) Reach<TWord>(Tensor tensor) where TWord : unmanaged
    {
        tensor.Storage.CheckUsable();
        MemoryBuffer block = ((GpuStorage)tensor.Storage).Block;
        long below = 0, above = 0;
        for (int axis = 0; axis < tensor.Rank; axis++)
        {
            long span = (long)tensor.Strides[axis] * (tensor.Shape[axis] - 1);
            if (span < 0) below -= span;
            else above += span;
        }

        if (above + below >= int.MaxValue)
            throw new ShapeException($"A GPU kernel reaches at most 2^31 - 1 elements of one tensor; {tensor.Shape} reaches {above + below + 1:N0}. Split it.");

        // Cast first: a cast of a part rounds its start down.
        ArrayView<TWord> all = block.AsArrayView<byte>(0, block.LengthInBytes).Cast<TWord>();
        return (all.SubView(tensor.Offset - below, above + below + 1), (int)below);
    }

    /// <summary>A dense tensor's memory as elements.</summary>
    public static ArrayView<TWord> View<TWord>(Tensor tensor) where TWord : unmanaged => Reach<TWord>(tensor).View;

    /// <summary>Queues a copy from host to device; the source may change as soon as this returns.</summary>
    public void Write(ReadOnlySpan<byte> source, GpuStorage target, long offset)
    {
        try
        {
            Driver.Begin();
            uploads.Write(source, target.Block.AsArrayView<byte>(offset, source.Length));
        }
        catch (AcceleratorException failure)
        {
            throw Driver.Failed(failure, "copy to the device");
        }
    }

    /// <summary>Waits for everything queued, then copies to the host.</summary>
    /// <exception cref="ShapeException">A kernel met an index out of range.</exception>
    public void Read(GpuStorage source, long offset, Span<byte> target)
    {
        HostReads++;
        try
        {
            Driver.Begin();
            source.Block.AsArrayView<byte>(offset, target.Length).CopyToCPU(Stream, target);
            Faults.Check();
        }
        catch (AcceleratorException failure)
        {
            throw Driver.Failed(failure, "copy from the device");
        }
    }

    /// <summary>Waits for everything queued.</summary>
    public void Synchronize()
    {
        try
        {
            Driver.Begin();
            Stream.Synchronize();
            Faults.Check();
        }
        catch (AcceleratorException failure)
        {
            throw Driver.Failed(failure, "wait for the device");
        }
    }
}

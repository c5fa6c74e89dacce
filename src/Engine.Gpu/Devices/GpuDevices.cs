using Engine.Tensors;
using ILGPU;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace Engine.Gpu;

/// <summary>The GPUs of this machine. One call, <see cref="Register"/>, makes them devices of the engine.</summary>
/// <example><code>
/// GpuDevices.Register();
/// Device.Default = Device.Parse("cuda");
/// </code></example>
public static class GpuDevices
{
    static readonly Lock Gate = new();
    static readonly List<string> notes = [];
    static IReadOnlyList<Found>? found;

    sealed record Found(GpuDeviceInfo Info, Context Context, ILGPU.Runtime.Device Device);

    /// <summary>All devices that the drivers show, CUDA's first, those that cannot be used among them.</summary>
    public static IReadOnlyList<GpuDeviceInfo> All => [.. Search().Select(device => device.Info)];

    /// <summary>What kept a whole family of devices from being looked at, one line each: a driver that is absent or broken.</summary>
    public static IReadOnlyList<string> Notes
    {
        get
        {
            Search();
            return notes;
        }
    }

    /// <summary>
    /// Adds the usable devices to <see cref="Device.All"/>. A device is opened, and its memory touched, when the first tensor
    /// goes there. A second call does nothing.
    /// </summary>
    public static void Register()
    {
        lock (Gate)
        {
            foreach (Found device in Search())
            {
                string[] name = device.Info.Name.Split(':');
                int index = int.Parse(name[1], System.Globalization.CultureInfo.InvariantCulture);
                if (!device.Info.IsUsable || Device.All.Any(known => known.Kind == name[0] && known.Index == index)) continue;
                Device.Register(new(name[0], index, new GpuBackend(device.Info, () => Open(device))));
            }
        }
    }

    /// <summary>The device of a name, registered if it has to be: cpu, cuda, cuda:1, opencl, or auto for the first GPU, else the CPU.</summary>
    /// <exception cref="DeviceException">There is no such device, or it cannot be used, and why.</exception>
    public static Device Select(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        string wanted = name.Trim().ToLowerInvariant();
        if (wanted == "cpu") return Device.Parse(wanted);
        Register();
        if (wanted == "auto")
            return All.FirstOrDefault(device => device.IsUsable && !device.IsCpu) is { } gpu ? Device.Parse(gpu.Name) : Device.Parse("cpu");
        string full = wanted.Contains(':', StringComparison.Ordinal) ? wanted : wanted + ":0";
        if (All.FirstOrDefault(device => device.Name == full) is { Problem: { } problem } unusable)
            throw new DeviceException($"Device {full} ({unusable.Hardware}) cannot be used: {problem}");
        string family = full.Split(':')[0];
        if (family is "cuda" or "opencl" && !All.Any(device => device.Name == full))
        {
            string reason = Notes.FirstOrDefault(note => note.StartsWith(family, StringComparison.Ordinal)) ?? "the driver shows no device of that number";
            throw new DeviceException($"Device '{wanted}' is not here: {reason}. Devices: {string.Join(", ", Device.All)}.");
        }

        return Device.Parse(wanted);
    }

    static GpuRuntime Open(Found device)
    {
        try
        {
            return new GpuRuntime(device.Context, device.Device);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            throw new DeviceException($"Device {device.Info.Name} ({device.Info.Hardware}) could not be opened: {failure.Message.Split('\n')[0].Trim()}", failure);
        }
    }

    static IReadOnlyList<Found> Search()
    {
        lock (Gate)
        {
            if (found is not null) return found;
            NativeLibraries.Prepare();
            List<Found> devices = [];
            if (OperatingSystem.IsLinux() && NativeLibraries.Find("libcuda.so.1", "libcuda.so") is null) notes.Add("cuda: no NVIDIA driver (libcuda.so.1 was not found)");
            else Look("cuda", devices, builder => builder.Cuda());
            if (OperatingSystem.IsLinux() && NativeLibraries.Find("libOpenCL.so.1", "libOpenCL.so") is null) notes.Add("opencl: no OpenCL loader (libOpenCL.so.1 was not found)");
            else Look("opencl", devices, builder => builder.OpenCL(_ => true));
            return found = devices;
        }
    }

    // A context a family: a driver that fails takes only its own devices with it.
    static void Look(string family, List<Found> devices, Action<Context.Builder> add)
    {
        try
        {
            Context context = Context.Create(builder =>
            {
                builder.Optimize(OptimizationLevel.O2).EnableAlgorithms();
                add(builder);
            });
            int index = 0;

            // A context without any device gets ILGPU's own, which computes on the host: it is none of the driver's.
            foreach (ILGPU.Runtime.Device device in context.Devices)
                if (device is not CPUDevice) devices.Add(new(Describe($"{family}:{index++}", device), context, device));
            if (index == 0) notes.Add($"{family}: the driver shows no device; there is none, or the driver does not work{(family == "cuda" ? " (nvidia-smi says more)" : " (clinfo says more)")}");
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            notes.Add($"{family}: the driver failed: {failure.Message.Split('\n')[0].Trim()}");
        }
    }

    static GpuDeviceInfo Describe(string name, ILGPU.Runtime.Device device) => device switch
    {
        CudaDevice cuda => new(name, cuda.Name, cuda.MemorySize, $"CUDA {cuda.DriverVersion}, {cuda.Architecture}", false, null),
        CLDevice cl => new(name, cl.Name.Trim(), cl.MemorySize, $"{cl.PlatformName.Trim()}, {cl.DeviceVersion.ToString().Trim()}",
            cl.DeviceType.HasFlag(CLDeviceType.CL_DEVICE_TYPE_CPU), Problem(cl)),
        _ => new(name, device.Name, device.MemorySize, device.AcceleratorType.ToString(), false, "it is of no known family"),
    };

    static string? Problem(CLDevice device)
    {
        if (!device.Capabilities.GenericAddressSpace) return "it lacks OpenCL's generic address space, which the kernels need; a newer driver may have it";
        if (device.MaxNumThreadsPerGroup < KernelLoader.GroupSize)
            return $"it runs {device.MaxNumThreadsPerGroup} work items a group at most, and the kernels need {KernelLoader.GroupSize}";
        return null;
    }
}

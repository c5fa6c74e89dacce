namespace Engine.Tensors;

/// <summary>Where tensors live and are computed: <c>cpu</c>, <c>cuda:0</c>, <c>opencl:1</c>.</summary>
public sealed class Device
{
    static readonly Lock Gate = new();
    static readonly List<Device> Registered = [];
    static Device? chosen;

    /// <summary>A device over a backend. Tests wrap one backend in another this way.</summary>
    /// <param name="kind">The family: cpu, cuda, opencl.</param>
    /// <param name="index">Which one of the family.</param>
    /// <param name="backend">What computes.</param>
    public Device(string kind, int index, Backend backend)
    {
        ArgumentException.ThrowIfNullOrEmpty(kind);
        ArgumentNullException.ThrowIfNull(backend);
        (Kind, Index, Backend) = (kind, index, backend);
    }

    /// <summary>The family: cpu, cuda, opencl.</summary>
    public string Kind { get; }

    /// <summary>Which one of the family, from 0.</summary>
    public int Index { get; }

    /// <summary>What computes and stores.</summary>
    public Backend Backend { get; }

    /// <summary>The device of new tensors whose maker names none. The CPU until something else is chosen.</summary>
    public static Device Default
    {
        get => chosen ?? Parse("cpu");
        set => chosen = value;
    }

    /// <summary>All devices an application has registered, the CPU first.</summary>
    public static IReadOnlyList<Device> All
    {
        get
        {
            lock (Gate)
            {
                if (Registered.Count == 0) Registered.Add(new("cpu", 0, new WideningBackend(new CpuBackend())));
                return [.. Registered];
            }
        }
    }

    /// <summary>Adds a device to <see cref="All"/>.</summary>
    /// <exception cref="DeviceException">One of this name is there already.</exception>
    public static void Register(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        IReadOnlyList<Device> all = All;
        lock (Gate)
        {
            if (all.Any(d => d.Kind == device.Kind && d.Index == device.Index))
                throw new DeviceException($"Device {device} is registered already.");
            Registered.Add(device);
        }
    }

    /// <summary>The device of a name such as <c>cpu</c>, <c>cuda</c> or <c>opencl:1</c>.</summary>
    /// <exception cref="DeviceException">There is none of that name; the message lists those there are.</exception>
    public static Device Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        string[] parts = name.Trim().ToLowerInvariant().Split(':');
        int index = 0;
        if (parts.Length > 2 || (parts.Length == 2 && !int.TryParse(parts[1], out index)))
            throw new DeviceException($"Device '{name}' is not of the form kind or kind:index, for instance cpu or cuda:1.");
        return All.FirstOrDefault(d => d.Kind == parts[0] && d.Index == index)
            ?? throw new DeviceException($"Device '{name}' is not here. Devices: {string.Join(", ", All)}.");
    }

    /// <summary>Memory from the device's pool, owned by the current <see cref="StepScope"/>.</summary>
    /// <exception cref="DeviceException">There is not enough.</exception>
    internal Storage Allocate(long bytes)
    {
        Storage storage = Backend.Allocate(bytes);
        storage.Device = this;
        StepScope.Register(storage);
        return storage;
    }

    /// <summary>Host memory as a read-only storage of this device, owned by the current <see cref="StepScope"/>; null where it would have to be copied.</summary>
    internal Storage? Borrow(nint address, long bytes, IDisposable owner)
    {
        if (Backend.Borrow(address, bytes, owner) is not { } storage) return null;
        storage.Device = this;
        StepScope.Register(storage);
        return storage;
    }

    /// <summary>cpu, or kind:index where the family may have several.</summary>
    public override string ToString() => Kind == "cpu" ? Kind : $"{Kind}:{Index}";
}

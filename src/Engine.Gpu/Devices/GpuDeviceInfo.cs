namespace Engine.Gpu;

/// <summary>A device that a driver shows, usable or not.</summary>
/// <param name="Name">What <c>--device</c> takes: cuda:0, opencl:1.</param>
/// <param name="Hardware">The maker's name for it.</param>
/// <param name="MemoryBytes">Its memory.</param>
/// <param name="Driver">The driver and its version.</param>
/// <param name="IsCpu">True for an OpenCL device that is the processor itself.</param>
/// <param name="Problem">Why it cannot be used, or null.</param>
public sealed record GpuDeviceInfo(string Name, string Hardware, long MemoryBytes, string Driver, bool IsCpu, string? Problem)
{
    /// <summary>True if tensors may live there.</summary>
    public bool IsUsable => Problem is null;

    /// <summary>For people: hardware, memory, driver.</summary>
    public string Description => $"{Hardware}, {MemoryBytes / (double)(1 << 30):F1} GB, {Driver}";
}

using Engine.Gpu;
using Engine.Tensors;

namespace Engine.Testing;

/// <summary>The devices that tests run on.</summary>
public static class TestDevices
{
    /// <summary>
    /// Names from ENGINE_TEST_DEVICES, or those of all registered devices; with the reason to skip where there is no such device.
    /// </summary>
    public static IEnumerable<(string Name, string? Absent)> All
    {
        get
        {
            string? chosen = Environment.GetEnvironmentVariable("ENGINE_TEST_DEVICES");
            if (string.IsNullOrWhiteSpace(chosen)) return Device.All.Select(device => (device.ToString(), (string?)null));
            return chosen.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(name => (name, WhyAbsent(name)));
        }
    }

    /// <summary>
    /// Makes the device that ENGINE_TEST_DEFAULT names the default one: then the whole suite computes there, whatever names no
    /// device.
    /// </summary>
    public static void UseDefault()
    {
        KernelLoader.Loading = kernel =>
        {
            if (!KernelCatalog.Contains(kernel)) throw new InvalidOperationException($"{kernel.DeclaringType?.Name}.{kernel} is loaded but not in KernelCatalog: no test compiles it for other devices.");
        };
        if (Environment.GetEnvironmentVariable("ENGINE_TEST_DEFAULT") is { Length: > 0 } name) Device.Default = GpuDevices.Select(name);
    }

    static string? WhyAbsent(string name)
    {
        try
        {
            GpuDevices.Select(name);
            return null;
        }
        catch (DeviceException absent)
        {
            return absent.Message;
        }
    }
}

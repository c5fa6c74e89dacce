using System.Reflection;
using System.Runtime.InteropServices;
using ILGPU;

namespace Engine.Gpu;

/// <summary>
/// Finds the drivers' libraries under the names that a driver installs. ILGPU asks for libcuda.so and libOpenCL.so, which
/// only development packages bring.
/// </summary>
static class NativeLibraries
{
    static readonly Lazy<bool> Installed = new(Install);

    /// <summary>Takes effect once, before the first context.</summary>
    public static void Prepare() => _ = Installed.Value;

    static bool Install()
    {
        if (!OperatingSystem.IsLinux() || IsWindowsSubsystem()) return false;
        try
        {
            NativeLibrary.SetDllImportResolver(typeof(Context).Assembly, Resolve);
            return true;
        }
        catch (InvalidOperationException)
        {
            // Somebody in this process has a resolver for ILGPU already; an assembly takes one only.
            return false;
        }
    }

    static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        string[] candidates = name switch
        {
            "cuda" => ["libcuda.so.1", "libcuda.so"],
            "OpenCL" => ["libOpenCL.so.1", "libOpenCL.so"],
            _ => [],
        };
        foreach (string candidate in candidates)
            if (NativeLibrary.TryLoad(candidate, out nint handle)) return handle;
        return 0;
    }

    // Under WSL ILGPU installs a resolver of its own.
    static bool IsWindowsSubsystem() =>
        File.Exists("/proc/version") && File.ReadAllText("/proc/version").Contains("microsoft", StringComparison.OrdinalIgnoreCase);

    /// <summary>The first of the names that the system's loader finds, or null.</summary>
    public static string? Find(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (!NativeLibrary.TryLoad(name, out nint handle)) continue;
            NativeLibrary.Free(handle);
            return name;
        }

        return null;
    }
}

using System.Diagnostics;
using System.Reflection;
using Engine.Tensors;
using ILGPU;
using ILGPU.Backends;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;

namespace Engine.Gpu;

/// <summary>
/// The one place where kernels become code of a device. A kernel is a static method of one struct: its views, numbers and
/// formula. Every group has <see cref="GroupSize"/> threads.
/// </summary>
sealed class KernelLoader(Accelerator accelerator)
{
    /// <summary>Threads of a group on every device: results of a reduction depend on it.</summary>
    public const int GroupSize = 256;

    static readonly FieldInfo PtxAssembly = TextOf(typeof(PTXCompiledKernel), nameof(PTXCompiledKernel.PTXAssembly));
    static readonly FieldInfo OpenCLSource = TextOf(typeof(CLCompiledKernel), nameof(CLCompiledKernel.Source));

    readonly Lock gate = new();
    readonly Dictionary<object, Delegate> launchers = new(ReferenceEqualityComparer.Instance);
    readonly Dictionary<MethodInfo, Delegate> methods = [];

    /// <summary>How a kernel is specialised for any device.</summary>
    public static KernelSpecialization Specialization => new(GroupSize, null);

    /// <summary>Hears of every kernel that a device loads; tests compare with their list.</summary>
    public static Action<MethodInfo>? Loading { get; set; }

    /// <summary>Kernels loaded so far.</summary>
    public int Count => methods.Count;

    /// <summary>What loading has cost so far, the driver's share included.</summary>
    public TimeSpan LoadTime { get; private set; }

    /// <summary>What starts a kernel: stream, number of groups and threads, arguments.</summary>
    /// <exception cref="DeviceException">The device's compiler does not take it.</exception>
    public Action<AcceleratorStream, KernelConfig, TArguments> Get<TArguments>(Action<TArguments> kernel) where TArguments : struct
    {
        lock (gate)
        {
            // The compiler keeps one delegate a call site; several sites may name one method.
            if (launchers.TryGetValue(kernel, out Delegate? known)) return (Action<AcceleratorStream, KernelConfig, TArguments>)known;
            if (!methods.TryGetValue(kernel.Method, out Delegate? loaded)) methods[kernel.Method] = loaded = Load<TArguments>(kernel.Method);
            launchers[kernel] = loaded;
            return (Action<AcceleratorStream, KernelConfig, TArguments>)loaded;
        }
    }

    Action<AcceleratorStream, KernelConfig, TArguments> Load<TArguments>(MethodInfo kernel) where TArguments : struct
    {
        Loading?.Invoke(kernel);
        long start = Stopwatch.GetTimestamp();
        try
        {
            CompiledKernel compiled = Compile(accelerator.GetBackend(), kernel);
            return accelerator.LoadKernel(compiled).CreateLauncherDelegate<Action<AcceleratorStream, KernelConfig, TArguments>>();
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            throw new DeviceException(
                $"Kernel {kernel.DeclaringType?.Name}.{kernel.Name} could not be compiled for {accelerator.Name}: {FirstLine(failure)} " +
                "Please send the output of 'engine devices --report'.", failure);
        }
        finally
        {
            LoadTime += Stopwatch.GetElapsedTime(start);
        }
    }

    /// <summary>The kernel as a backend's text, sound for a driver.</summary>
    public static CompiledKernel Compile(ILGPU.Backends.Backend backend, MethodInfo kernel)
    {
        CompiledKernel compiled = backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(kernel), Specialization);
        if (compiled is PTXCompiledKernel ptx) PtxAssembly.SetValue(ptx, PtxText.Sound(ptx.PTXAssembly));
        if (compiled is CLCompiledKernel cl) OpenCLSource.SetValue(cl, OpenCLText.Sound(cl.Source, kernel.IsDefined(typeof(DisjointViewsAttribute))));
        return compiled;
    }

    static FieldInfo TextOf(Type kernel, string property) =>
        kernel.GetField($"<{property}>k__BackingField", BindingFlags.Instance | BindingFlags.NonPublic) ?? throw new MissingFieldException(kernel.Name, property);

    static string FirstLine(Exception failure)
    {
        while (failure.InnerException is not null) failure = failure.InnerException;
        return failure.Message.Split('\n')[0].Trim().TrimEnd('.') + ".";
    }
}

using System.Reflection;
using ILGPU;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace Engine.Gpu.Tests;

/// <summary>Kernels compiled to a device's text with no device and no driver.</summary>
sealed class OfflineCompiler : IDisposable
{
    readonly Context context = Context.Create(builder => builder.Optimize(OptimizationLevel.O2).EnableAlgorithms());
    readonly ILGPU.Backends.Backend backend;

    OfflineCompiler(Func<Context, ILGPU.Backends.Backend> create) => backend = create(context);

    /// <summary>For NVIDIA's assembler; the instruction set is the one of CUDA 12.4's drivers.</summary>
    public static OfflineCompiler Ptx(CudaArchitecture architecture) =>
        new(context => new PTXBackend(context, architecture, CudaInstructionSet.ISA_84, null!));

    /// <summary>For an OpenCL 2.0 device without half precision, with or without double precision.</summary>
    public static OfflineCompiler OpenCL(bool doubles) =>
        new(context => new CLBackend(context, Capabilities(doubles), CLDeviceVendor.AMD, CLCVersion.CL20));

    static CLCapabilityContext Capabilities(bool doubles)
    {
        ConstructorInfo constructor = typeof(CLCapabilityContext).GetConstructors().Single();
        object[] values = [.. constructor.GetParameters().Select(parameter => (object)(
            parameter.Name!.Contains("float16", StringComparison.OrdinalIgnoreCase) ? false
            : parameter.Name.Contains("float64", StringComparison.OrdinalIgnoreCase) ? doubles
            : !parameter.Name.Contains("subGroups", StringComparison.OrdinalIgnoreCase)))];
        return (CLCapabilityContext)constructor.Invoke(values);
    }

    /// <summary>The text that a driver would get.</summary>
    public string Compile(MethodInfo kernel) => KernelLoader.Compile(backend, kernel) switch
    {
        PTXCompiledKernel ptx => ptx.PTXAssembly,
        CLCompiledKernel cl => cl.Source,
        var other => throw new InvalidOperationException($"{other.GetType().Name} is no text."),
    };

    /// <summary>A kernel's name with its types, for messages.</summary>
    public static string NameOf(MethodInfo kernel) =>
        $"{kernel.DeclaringType!.Name}.{kernel.Name}<{string.Join(", ", kernel.GetGenericArguments().Select(Short))}>";

    static string Short(Type type) => type.IsGenericType
        ? $"{type.Name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(Short))}>"
        : type.Name;

    public void Dispose()
    {
        backend.Dispose();
        context.Dispose();
    }
}

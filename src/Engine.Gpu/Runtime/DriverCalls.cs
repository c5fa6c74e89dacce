using Engine.Tensors;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace Engine.Gpu;

/// <summary>
/// Every call to the driver of an opened device goes through here: it becomes one line if it fails. Memory that is lacking can
/// be given back and asked for again; after anything else what the device holds cannot be relied on, so the first failure
/// stays the answer to all later calls, and nothing waits for a device that is gone.
/// </summary>
/// <param name="device">The device's name, for messages.</param>
sealed class DriverCalls(string device)
{
    DeviceException? lost;

    /// <summary>Runs before every call; tests let it throw what a driver's failure throws.</summary>
    public Action? Calling { get; set; }

    /// <summary>Whether calls still reach the device.</summary>
    public bool IsLost => lost is not null;

    /// <summary>Before a call.</summary>
    /// <exception cref="DeviceException">The device is lost.</exception>
    public void Begin()
    {
        if (lost is not null) throw new DeviceException(lost.Message, lost);
        Calling?.Invoke();
    }

    /// <summary>What to throw for a call that failed.</summary>
    /// <param name="failure">What the driver said.</param>
    /// <param name="what">What it was asked to do.</param>
    public DeviceException Failed(AcceleratorException failure, string what)
    {
        string said = failure is CLException { Error: var error } ? error.ToString() : failure.Message.Split('\n')[0].Trim().TrimEnd('.');
        if (IsMemory(failure)) return new($"Out of memory on {device}: the driver could not {what} ({said}). {Advice}", failure);
        return lost ??= new(
            $"Device {device} is lost: its driver could not {what} ({said}). What it held is gone; saved files are whole. Start again, with --resume where a run was saved; 'engine devices --report' says whether the device works.", failure);
    }

    /// <summary>What to do where memory is lacking.</summary>
    public const string Advice = "Take a smaller --batch with --accumulate, or --recompute.";

    /// <summary>True for a driver that lacks memory: some see it when memory is asked for, some when it is first used.</summary>
    public static bool IsMemory(Exception failure) => failure switch
    {
        OutOfMemoryException => true,
        CLException opencl => opencl.Error is CLError.CL_MEM_OBJECT_ALLOCATION_FAILURE or CLError.CL_OUT_OF_HOST_MEMORY or CLError.CL_INVALID_BUFFER_SIZE,
        CudaException cuda => cuda.Error == nameof(CudaError.CUDA_ERROR_OUT_OF_MEMORY),
        _ => false,
    };
}

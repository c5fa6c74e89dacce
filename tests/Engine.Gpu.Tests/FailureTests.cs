using Engine.Autograd;
using Engine.Models;
using Engine.Optim;
using Engine.Tensors;
using ILGPU;
using ILGPU.Runtime.OpenCL;
using Device = Engine.Tensors.Device;

namespace Engine.Gpu.Tests;

/// <summary>Drivers and callers that do what they should not: one line each, nothing wrong computed, nothing waited for.</summary>
public sealed class FailureTests
{
    static readonly VitConfig Config = new() { ImageSize = 16, PatchSize = 8, Width = 16, Depth = 2, Heads = 2, MlpWidth = 32, Classes = 3 };

    // A device that a test may break: opened a second time, known to nobody else.
    static (Device Device, DriverCalls Driver) Breakable()
    {
        GpuDeviceInfo? found = GpuDevices.All.FirstOrDefault(each => each.Name == RowsOnDevice.Device.ToString());
        Assert.SkipUnless(found?.Name.StartsWith("opencl", StringComparison.Ordinal) == true, "there is no OpenCL device, whose failures these are");
        GpuDeviceInfo info = found!;
        Context context = Context.Create(builder => builder.Optimize(OptimizationLevel.O2).EnableAlgorithms().OpenCL(_ => true));
        GpuBackend backend = new(info, () => new GpuRuntime(context, context.Devices[int.Parse(info.Name.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture)]));
        return (new("opencl", 90, backend), backend.Runtime.Driver);
    }

    /// <summary>A few training steps; the losses, read at the end of each.</summary>
    static float[] Train(Device device, int steps)
    {
        VisionTransformer model = new(Config, seed: 3, device);
        AdamSpd optimizer = new(new ParameterArena(model.Parameters), new() { LearningRate = 1e-3 });
        Tensor pixels = RowsOnDevice.Draw([4, 3, 16, 16]).To(device), labels = RowsOnDevice.Places([4], 3).To(device);
        float[] losses = new float[steps];
        for (int step = 0; step < steps; step++)
        {
            using StepScope scope = StepScope.Begin();
            optimizer.ZeroGradients();
            Variable loss = Functions.CrossEntropy(model.Forward(pixels), labels);
            loss.Backward();
            optimizer.Step();
            losses[step] = (float)loss.Value.Item();
        }

        return losses;
    }

    static void IsOneLine(string message) => Assert.DoesNotContain('\n', message);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(40)]
    [InlineData(400)]
    public void A_driver_that_fails_from_some_call_on_is_a_lost_device_and_stays_one(int after)
    {
        (Device device, DriverCalls driver) = Breakable();
        int calls = 0;
        driver.Calling = () =>
        {
            if (calls++ >= after) throw new CLException(CLError.CL_DEVICE_NOT_AVAILABLE);
        };
        DeviceException lost = Assert.Throws<DeviceException>(() => Train(device, 50));
        Assert.Contains("is lost", lost.Message);
        Assert.Contains("--resume", lost.Message);
        IsOneLine(lost.Message);

        // The driver would answer again; what the device held is gone all the same.
        driver.Calling = null;
        Assert.True(driver.IsLost);
        Assert.Equal(lost.Message, Assert.Throws<DeviceException>(() => Tensor.Zeros([3], device: device).ToArray<float>()).Message);
        Assert.Equal(lost.Message, Assert.Throws<DeviceException>(device.Backend.Synchronize).Message);
        Assert.Equal(6, Reduction.Sum(Tensor.Full([3], 2, device: Device.Parse("cpu"))).Item());
    }

    [Fact]
    public void Memory_that_runs_out_at_any_call_of_a_step_leaves_a_device_that_trains_on_with_the_same_bits()
    {
        (Device device, DriverCalls driver) = Breakable();
        float[] right = Train(device, 3);
        foreach (int after in (int[])[0, 3, 20, 90, 300])
        {
            int calls = 0;
            driver.Calling = () =>
            {
                if (calls++ == after) throw new CLException(CLError.CL_MEM_OBJECT_ALLOCATION_FAILURE);
            };
            try
            {
                Train(device, 3);
            }
            catch (DeviceException exhausted)
            {
                // A pool that is refused once gives idle blocks back and asks again: then nothing is thrown.
                Assert.StartsWith("Out of memory on ", exhausted.Message, StringComparison.Ordinal);
                Assert.Contains("--batch", exhausted.Message);
                IsOneLine(exhausted.Message);
            }

            driver.Calling = null;
            Assert.Equal(right, Train(device, 3));
        }
    }

    [Fact]
    public void A_tensor_larger_than_the_device_is_refused_with_what_was_asked_and_what_is_free()
    {
        Device device = RowsOnDevice.Device;
        GpuRuntime runtime = ((GpuBackend)device.Backend).Runtime;
        MemoryUse before = device.Backend.Memory;
        List<Tensor> taken = [];
        DeviceException refused = Assert.Throws<DeviceException>(() =>
        {
            // No page of it is touched, so nothing but the driver's account is full.
            for (long bytes = 0; bytes <= 2 * runtime.Accelerator.MemorySize; bytes += 8L * int.MaxValue) taken.Add(Tensor.Empty([int.MaxValue], DType.Int64, device));
        });
        Assert.Contains("16,384 MB asked", refused.Message);
        Assert.Contains("free", refused.Message);
        Assert.Contains("--recompute", refused.Message);
        IsOneLine(refused.Message);
        foreach (Tensor tensor in taken) tensor.Release();
        runtime.Memory.Trim();
        Assert.True(device.Backend.Memory.Used <= before.Used, "something of the refused work is still held");      // less, where other tests' tensors were collected
        Assert.Equal(7, Tensor.Full([5], 7, device: device).ToArray<float>()[4]);
    }

    [Fact]
    public void Tensors_beyond_two_to_the_31_bytes_are_computed_with_to_their_end()
    {
        Device device = RowsOnDevice.Device;
        using StepScope scope = StepScope.Begin();
        int count = (1 << 29) + 1000;       // 2,147,487,648 bytes
        Tensor x = Tensor.Empty([count], DType.Float32, device);
        device.Backend.Fill(3, x);
        Elementwise.MapInto(default(Square), x, x);
        Assert.Equal(9, x.Slice(0, count - 1, count).ToArray<float>()[0]);
        Tensor end = x.Slice(0, count - 700, count);
        Assert.Equal(6300, Reduction.Sum(end).Item());
        device.Backend.Fill(1, end);
        Assert.Equal([9, 1], x.Slice(0, count - 701, count - 699).ToArray<float>());
        x.Release();
        ((GpuBackend)device.Backend).Runtime.Memory.Trim();
    }

    [Fact]
    public void Tensors_of_two_devices_in_one_operation_are_refused_by_name()
    {
        Device device = RowsOnDevice.Device;
        Tensor there = RowsOnDevice.Draw([4, 4]).To(device), here = RowsOnDevice.Draw([4, 4]).To(Device.Parse("cpu")), places = RowsOnDevice.Places([4], 4).To(Device.Parse("cpu"));
        Tensor four = there.Reshape(1, 1, 4, 4);
        (string Name, Action Run)[] mixtures =
        [
            ("Map", () => Elementwise.Map<Add>(there, here)),
            ("Map", () => Elementwise.Map<Add>(here, there)),
            ("MatMul", () => Matrices.MatMul(there, here)),
            ("Attention", () => Attention.Forward(four, here.Reshape(1, 1, 4, 4), four)),
            ("IndexSelect", () => Indexing.IndexSelect(there, 0, places)),
            ("Gather", () => Indexing.Gather(there, 0, places.Unsqueeze(0))),
            ("LayerNorm", () => Normalization.LayerNorm(there, here.Select(0, 0), here.Select(0, 0))),
            ("CrossEntropy", () => Functions.CrossEntropy(new Variable(there), places)),
            ("Concatenate", () => Functions.Concatenate(0, new Variable(there), new Variable(here))),
        ];
        foreach ((string name, Action run) in mixtures)
        {
            DeviceException refused = Assert.Throws<DeviceException>(run);
            Assert.Contains("cpu", refused.Message);
            Assert.Contains(device.ToString(), refused.Message);
            IsOneLine(refused.Message);
        }
    }

    [Fact]
    public void A_kernel_that_the_compiler_rejects_is_named_and_others_go_on()
    {
        (Device device, _) = Breakable();
        GpuRuntime runtime = ((GpuBackend)device.Backend).Runtime;
        Tensor x = Tensor.Full([4], 2, device: device);
        Action<System.Reflection.MethodInfo>? listed = KernelLoader.Loading;
        try
        {
            KernelLoader.Loading = null;
            DeviceException refused = Assert.Throws<DeviceException>(() =>
                runtime.LaunchItems(RejectedKernels.CubeRoot, 4, new RejectedArguments { Y = GpuRuntime.View<float>(x) }));
            Assert.StartsWith("Kernel RejectedKernels.CubeRoot could not be compiled for ", refused.Message, StringComparison.Ordinal);
            Assert.Contains("engine devices --report", refused.Message);
            IsOneLine(refused.Message);
        }
        finally
        {
            KernelLoader.Loading = listed;
        }

        Assert.Equal([2, 2, 2, 2], x.ToArray<float>());
        Assert.Equal(8, Reduction.Sum(x).Item());
    }
}

/// <summary>What only <see cref="FailureTests"/> launches.</summary>
public struct RejectedArguments
{
    public ArrayView<float> Y;
}

/// <summary>ILGPU writes a call of a function for the cube root that no OpenCL compiler knows.</summary>
static class RejectedKernels
{
    public static void CubeRoot(RejectedArguments a)
    {
        int i = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (i < 4) a.Y[i] = MathF.Cbrt(a.Y[i]);
    }
}

using Engine.Autograd;
using Engine.Models;
using Engine.Optim;
using Engine.Tensors;

namespace Engine.Gpu.Tests;

/// <summary>What a training step costs a device besides arithmetic: launches, reads by the host, memory from the driver.</summary>
public sealed class LaunchTests
{
    static GpuRuntime Runtime => ((GpuBackend)RowsOnDevice.Device.Backend).Runtime;

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 3)]
    public void A_step_is_so_many_launches_whatever_the_number_of_layers_and_reads_nothing(bool projects, int launches)
    {
        Device device = RowsOnDevice.Device;
        foreach (int layers in (int[])[3, 40])
        {
            Parameter[] parameters = [.. Enumerable.Range(0, layers).Select(i => new Parameter($"p{i}", RowsOnDevice.Draw([37, 5], i + 1).To(device)) { IsFresh = false })];
            ParameterArena arena = new(parameters);
            Optimizer optimizer = projects ? new AdamSpd(arena, new()) : new AdamW(arena, new());
            foreach (Parameter parameter in parameters) parameter.Backward(RowsOnDevice.Draw([37, 5], 9).To(device));
            optimizer.Step();
            (long before, long reads) = (Runtime.Launches, Runtime.HostReads);
            optimizer.Step();
            Assert.Equal((launches, 0), (Runtime.Launches - before, Runtime.HostReads - reads));
        }
    }

    // The aim is 30: sums of bias gradients in the products' epilogue and residuals in the norms would save most of the rest.
    [Theory]
    [InlineData(true, 59)]
    [InlineData(false, 47)]
    public void A_block_of_a_small_vit_is_so_many_launches_and_steady_steps_ask_the_driver_for_nothing(bool asProcessor, int most)
    {
        bool isProcessor = Runtime.IsProcessor;
        try
        {
            Runtime.IsProcessor = asProcessor;
            (long shallow, _) = Steps(depth: 2);
            (long deep, long allocations) = Steps(depth: 4);
            Assert.Equal(0, allocations);
            Assert.True((deep - shallow) / 2.0 <= most, $"a block is {(deep - shallow) / 2.0} launches, forward and backward");
        }
        finally
        {
            Runtime.IsProcessor = isProcessor;
        }
    }

    // Launches of the third step, and what the pool asked of the driver from the third to the fifth.
    static (long Launches, long Allocations) Steps(int depth)
    {
        Device device = RowsOnDevice.Device;
        VitConfig config = new() { ImageSize = 32, PatchSize = 8, Width = 192, Depth = depth, Heads = 3, MlpWidth = 768, Classes = 10 };
        VisionTransformer model = new(config, device: device);
        ParameterArena arena = new(model.Parameters);
        AdamSpd optimizer = new(arena, new());
        Tensor pixels = RowsOnDevice.Draw([4, 3, 32, 32]).To(device), labels = RowsOnDevice.Places([4], 10).To(device);
        long launches = 0, allocations = 0;
        for (int step = 0; step < 5; step++)
        {
            (long startLaunches, long startAllocations) = (Runtime.Launches, Runtime.Memory.DriverAllocations);
            using StepScope scope = StepScope.Begin();
            Variable loss = Functions.CrossEntropy(model.Forward(pixels), labels);
            optimizer.ZeroGradients();
            loss.Backward();
            optimizer.Step();
            if (step == 2) launches = Runtime.Launches - startLaunches;
            if (step >= 2) allocations += Runtime.Memory.DriverAllocations - startAllocations;
        }

        device.Backend.Synchronize();
        return (launches, allocations);
    }
}

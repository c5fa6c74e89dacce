using Engine.Autograd;
using Engine.Optim;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Gpu.Tests;

/// <summary>Optimizer steps with the kernels of cards and of processors, against the CPU; segments of all odd lengths.</summary>
public sealed class ArenaTests
{
    static readonly int[] Lengths = [1, 3, 64, 255, 257, 4095, 4096, 4099, 9001];

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void Steps_follow_the_CPU(bool asProcessor, bool projects)
    {
        GpuRuntime runtime = ((GpuBackend)RowsOnDevice.Device.Backend).Runtime;
        bool isProcessor = runtime.IsProcessor;
        try
        {
            runtime.IsProcessor = asProcessor;
            Tensor[] ours = Train(RowsOnDevice.Device, projects), again = Train(RowsOnDevice.Device, projects), right = Train(Device.Parse("cpu"), projects);
            for (int i = 0; i < Lengths.Length; i++)
            {
                TensorAssert.Close(ours[i], right[i], 1e-5, 1e-6, $"segment of {Lengths[i]}");
                TensorAssert.SameBits(ours[i], again[i], $"segment of {Lengths[i]}, the second time");
            }

            // A step of a few elements is a difference of near numbers: r has fewer digits than the weights.
            TensorAssert.Close(ours[^1], right[^1], 2e-4, 2e-5, "trace");
        }
        finally
        {
            runtime.IsProcessor = isProcessor;
        }
    }

    static Tensor[] Train(Device device, bool projects)
    {
        Parameter[] parameters = [.. Lengths.Select((length, i) => new Parameter($"p{i}", RowsOnDevice.Draw([length], i + 1).To(device)) { IsFresh = false })];
        ParameterArena arena = new(parameters);
        Optimizer optimizer = projects ? new AdamSpd(arena, new() { LearningRate = 0.05 }) : new AdamW(arena, new() { LearningRate = 0.05, WeightDecay = 0.1 });
        for (int step = 0; step < 4; step++)
        {
            optimizer.ZeroGradients();
            for (int i = 0; i < parameters.Length; i++) parameters[i].Backward(RowsOnDevice.Draw([Lengths[i]], 100 * step + i, spread: step % 2 == 0 ? 1 : -1).To(device));
            optimizer.Step();
        }

        IEnumerable<SpdTraceRow> trace = optimizer.Projection is { } projection ? projection.Trace : [];
        Tensor measured = Tensor.From([.. trace.SelectMany(row => (float[])[row.Condition, row.Ratio, row.Deviation, row.Scale, row.DeviationBefore, row.GradientNorm])], [6 * trace.Count()]);
        return [.. parameters.Select(parameter => parameter.Value.Clone()), measured];
    }
}

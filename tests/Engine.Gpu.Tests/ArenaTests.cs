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

    // Rows of one element and of more than a piece, on both sets of kernels.
    [Theory]
    [InlineData("rows")]
    [InlineData("mars")]
    [InlineData("ftp")]
    [InlineData("digrap")]
    [InlineData("mean")]
    public void Methods_by_rows_follow_the_CPU(string method)
    {
        Tensor[] ours = TrainRows(RowsOnDevice.Device, method), again = TrainRows(RowsOnDevice.Device, method), right = TrainRows(Device.Parse("cpu"), method);
        for (int i = 0; i < RowShapes.Length; i++)
        {
            TensorAssert.Close(ours[i], right[i], 2e-5, 2e-6, $"{method}: {ours[i].Shape}");
            TensorAssert.SameBits(ours[i], again[i], $"{method}: {ours[i].Shape}, the second time");
        }
    }

    static readonly int[][] RowShapes = [[1, 1], [300, 1], [7, 5], [3, 2, 3, 3], [2, 9001], [600, 17], [4099]];

    static Tensor[] TrainRows(Device device, string method)
    {
        Parameter[] parameters = [.. RowShapes.Select((shape, i) => new Parameter($"p{i}", RowsOnDevice.Draw(Shape.Create(shape), i + 1).To(device)) { IsFresh = false })];
        ParameterArena arena = new(parameters);
        Optimizer optimizer = method switch
        {
            "rows" => new AdamSpd(arena, new() { LearningRate = 0.05, Projection = new() { Grain = ProjectionGrain.RowRatio } }),
            "mean" => new AdamSpd(arena, new() { LearningRate = 0.05, Projection = new() { Grain = ProjectionGrain.Row, ConditionDecay = 0.5 } }),
            "mars" => new MarsSp(arena, new() { LearningRate = 0.05, Radius = 0.2 }),
            "ftp" => new AdamFtp(arena, new() { LearningRate = 0.05 }),
            _ => new DiGraP(arena, new() { LearningRate = 0.05, OmegaLearningRate = 0.1 }),
        };
        for (int step = 0; step < 5; step++)
        {
            optimizer.ZeroGradients();
            for (int i = 0; i < parameters.Length; i++) parameters[i].Backward(RowsOnDevice.Draw(Shape.Create(RowShapes[i]), 100 * step + i, spread: step % 2 == 0 ? 1 : -1).To(device));
            optimizer.Step();
        }

        return [.. parameters.Select(parameter => parameter.Value.Clone())];
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

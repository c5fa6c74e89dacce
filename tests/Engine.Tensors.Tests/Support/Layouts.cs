namespace Engine.Tensors.Tests;

/// <summary>A tensor of known content in one of the layouts that views produce, and that content as plain doubles.</summary>
public sealed record Sample(Tensor Tensor, double[] Values)
{
    public Shape Shape => Tensor.Shape;

    /// <summary>The value at a row-major coordinate of a shape this sample broadcasts to.</summary>
    public double At(ReadOnlySpan<int> coordinate)
    {
        long place = 0;
        for (int axis = 0; axis < Shape.Rank; axis++)
        {
            int at = coordinate[coordinate.Length - Shape.Rank + axis];
            place = place * Shape[axis] + (Shape[axis] == 1 ? 0 : at);
        }

        return Values[place];
    }
}

/// <summary>Makes <see cref="Sample"/>s.</summary>
public static class Layouts
{
    public static readonly string[] All = ["dense", "permuted", "sliced", "stepped", "flipped", "expanded"];

    /// <summary>Values of about -2 to 2 that no formula finds special, in a layout.</summary>
    public static Sample Make(string layout, DType dtype, ulong seed, params int[] extents)
    {
        Shape shape = Shape.Create(extents);
        int rank = shape.Rank;
        switch (layout)
        {
            case "permuted" when rank > 1:
                int[] backward = [.. Enumerable.Range(0, rank).Reverse()];
                return Read(Draw([.. backward.Select(axis => extents[axis])], dtype, seed).Permute(backward));
            case "sliced" when rank > 0:
                return Read(Draw(shape.With(rank - 1, extents[^1] + 3), dtype, seed).Slice(rank - 1, 2, extents[^1] + 2));
            case "stepped" when rank > 0:
                return Read(Draw(shape.With(rank - 1, extents[^1] * 2), dtype, seed).Slice(rank - 1, 0, extents[^1] * 2, 2));
            case "flipped" when rank > 0:
                return Read(Draw(shape, dtype, seed).Flip(rank - 1));
            case "expanded" when rank > 0 && extents[^1] > 0:
                return Read(Draw(shape.With(rank - 1, 1), dtype, seed).Expand(shape));
            default:
                return Read(Draw(shape, dtype, seed));
        }
    }

    static Tensor Draw(Shape shape, DType dtype, ulong seed)
    {
        Philox random = new(seed, 77);
        double[] values = new double[shape.ElementCount];
        for (int i = 0; i < values.Length; i++) values[i] = (float)(random.Uniform((ulong)i) * 4.0 - 2.0);
        return dtype == DType.Float64 ? Tensor.From(values, shape) : Tensor.From(Array.ConvertAll(values, v => (float)v), shape);
    }

    /// <summary>Walks the strides with nothing but arithmetic: the reference must not lean on the copy it is to test.</summary>
    static Sample Read(Tensor tensor)
    {
        Tensor whole = new(tensor.Storage, tensor.DType, [(int)(tensor.Storage.Bytes / tensor.DType.Size())], [1], 0);
        double[] memory = tensor.DType == DType.Float64 ? whole.ToArray<double>() : Array.ConvertAll(whole.ToArray<float>(), v => (double)v);
        double[] values = new double[tensor.ElementCount];
        int i = 0;
        foreach (int[] coordinate in Coordinates(tensor.Shape))
        {
            long offset = tensor.Offset;
            for (int axis = 0; axis < tensor.Rank; axis++) offset += (long)coordinate[axis] * tensor.Strides[axis];
            values[i++] = memory[offset];
        }

        return new(tensor, values);
    }

    /// <summary>Every coordinate of a shape in row-major order; the array is reused.</summary>
    public static IEnumerable<int[]> Coordinates(Shape shape)
    {
        int[] coordinate = new int[shape.Rank];
        for (long i = 0; i < shape.ElementCount; i++)
        {
            yield return coordinate;
            for (int axis = shape.Rank - 1; axis >= 0 && ++coordinate[axis] == shape[axis]; axis--) coordinate[axis] = 0;
        }
    }
}

/// <summary>Whole tensors against expected doubles.</summary>
public static class Expect
{
    /// <summary>The elements as doubles.</summary>
    public static double[] Doubles(this Tensor tensor) => tensor.DType switch
    {
        DType.Float64 => tensor.ToArray<double>(),
        DType.Float32 => Array.ConvertAll(tensor.ToArray<float>(), v => (double)v),
        DType.Int32 => Array.ConvertAll(tensor.ToArray<int>(), v => (double)v),
        DType.Bool => Array.ConvertAll(tensor.ToArray<byte>(), v => (double)v),
        _ => tensor.To(DType.Float64).ToArray<double>(),
    };

    /// <summary>Fails with the largest error, where it is, and both values.</summary>
    public static void Close(ReadOnlySpan<double> expected, Tensor actual, double relative, double absolute = 0)
    {
        double[] found = actual.Doubles();
        Assert.Equal(expected.Length, found.Length);
        (double worst, int at) = (0, -1);
        for (int i = 0; i < found.Length; i++)
        {
            if (expected[i].Equals(found[i])) continue;
            double excess = Math.Abs(expected[i] - found[i]) / (relative * Math.Abs(expected[i]) + absolute);
            if (double.IsNaN(excess)) excess = double.PositiveInfinity;
            if (excess > worst) (worst, at) = (excess, i);
        }

        Assert.True(worst <= 1, at < 0 ? "" : $"element {at}: expected {expected[at]:R}, found {found[at]:R}: {worst:g3} times the tolerance");
    }

    /// <summary>Tolerance of an element type for a handful of roundings.</summary>
    public static double Epsilon(DType dtype) => dtype == DType.Float64 ? 1e-14 : 2e-6;
}

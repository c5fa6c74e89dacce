namespace Engine.Tensors.Tests;

/// <summary>Tensors of random numbers in many layouts, and the product by a plain triple loop in double precision.</summary>
static class MatMulReference
{
    /// <summary>How a matrix lies in memory.</summary>
    public enum Layout { Dense, Transposed, EverySecondRow, EverySecondColumn, RowsReversed, ColumnsReversed, Inset, SameRow, SameColumn }

    public static Tensor Random(Shape shape, DType dtype, int seed, Layout layout = Layout.Dense)
    {
        int rows = shape.Rank - 2, columns = shape.Rank - 1;
        Tensor Make(Shape s) => Elements(s, dtype, seed);
        return layout switch
        {
            Layout.Transposed => Make(shape.With(rows, shape[^1]).With(columns, shape[^2])).Transpose(),
            Layout.EverySecondRow => Make(shape.With(rows, 2 * shape[^2])).Slice(rows, 0, 2 * shape[^2], 2),
            Layout.EverySecondColumn => Make(shape.With(columns, 2 * shape[^1])).Slice(columns, 1, 2 * shape[^1], 2),
            Layout.RowsReversed => Make(shape).Flip(rows),
            Layout.ColumnsReversed => Make(shape).Flip(columns),
            Layout.Inset => Make(shape.With(rows, shape[^2] + 3).With(columns, shape[^1] + 5)).Slice(rows, 1, shape[^2] + 1).Slice(columns, 2, shape[^1] + 2),
            Layout.SameRow => Make(shape.With(rows, 1)).Expand(shape),
            Layout.SameColumn => Make(shape.With(columns, 1)).Expand(shape),
            _ => Make(shape),
        };
    }

    static Tensor Elements(Shape shape, DType dtype, int seed)
    {
        Random random = new(seed);
        double[] elements = new double[shape.ElementCount];
        for (int i = 0; i < elements.Length; i++) elements[i] = (float)(random.NextDouble() * 2 - 1);
        return dtype == DType.Float64 ? Tensor.From(elements, shape) : Tensor.From(Array.ConvertAll(elements, e => (float)e), shape);
    }

    /// <summary>The elements in row-major order, read one by one through the strides.</summary>
    public static double[] Read(Tensor x)
    {
        Tensor whole = new(x.Storage, x.DType, [(int)(x.Storage.Bytes / x.DType.Size())], [1], 0);
        double[] stored = x.DType == DType.Float64 ? whole.ToArray<double>() : Array.ConvertAll(whole.ToArray<float>(), e => (double)e);
        double[] result = new double[x.ElementCount];
        for (long i = 0; i < result.Length; i++)
        {
            long place = x.Offset, rest = i;
            for (int axis = x.Rank - 1; axis >= 0; axis--)
            {
                place += rest % x.Shape[axis] * x.Strides[axis];
                rest /= x.Shape[axis];
            }

            result[i] = stored[place];
        }

        return result;
    }

    /// <summary>a b with batch axes that broadcast, row-major.</summary>
    public static double[] Multiply(Tensor a, Tensor b)
    {
        Shape batch = Shape.Broadcast(a.Shape[..^2], b.Shape[..^2], "test");
        int m = a.Shape[^2], k = a.Shape[^1], n = b.Shape[^1];
        double[] left = Read(a.Expand([.. batch, m, k])), right = Read(b.Expand([.. batch, k, n]));
        double[] y = new double[batch.ElementCount * m * n];
        for (int p = 0; p < batch.ElementCount; p++)
            for (int i = 0; i < m; i++)
                for (int j = 0; j < n; j++)
                {
                    double sum = 0;
                    for (int q = 0; q < k; q++) sum += left[(p * m + i) * k + q] * right[(p * k + q) * n + j];
                    y[(p * m + i) * n + j] = sum;
                }

        return y;
    }

    /// <summary>Compares all elements; the error of a sum of k products of numbers up to 1 grows with k and with the sum.</summary>
    public static void AssertClose(double[] expected, Tensor actual, int k, string what)
    {
        double unit = (k + 8) * (actual.DType == DType.Float64 ? 2e-15 : 4e-7);
        double[] found = Read(actual);
        Assert.Equal(expected.Length, found.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            double tolerance = unit * (1 + Math.Abs(expected[i]));
            if (!(Math.Abs(expected[i] - found[i]) <= tolerance))
                Assert.Fail($"{what}: element {i} of {actual.Shape} is {found[i]}, expected {expected[i]}, tolerance {tolerance}.");
        }
    }
}

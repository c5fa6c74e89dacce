namespace Engine.Tensors;

/// <summary>Pooling of images [B, C, H, W] over windows, and its gradients.</summary>
public static class Pooling
{
    /// <summary>The largest element of every window; padding counts as minus infinity.</summary>
    /// <param name="x">[B, C, H, W]</param>
    /// <param name="window">Kernel, stride, padding and dilation; the padding value is not used.</param>
    /// <returns>The maxima [B, C, OH, OW] and where in its window each lies (int32, row * KW + column).</returns>
    public static (Tensor Values, Tensor Indices) MaxPool2d(Tensor x, WindowOptions window)
    {
        Tensor columns = Columns("MaxPool2d", x, window with { PaddingValue = float.NegativeInfinity });
        (Tensor values, Tensor indices) = Reduction.MaxWithIndex(columns, 2);
        Shape shape = Output(x.Shape, window);
        return (values.Reshape(shape), indices.Reshape(shape));
    }

    /// <summary>dL/dx of <see cref="MaxPool2d"/>: each dy goes to the place its maximum came from.</summary>
    public static Tensor MaxPool2dGradient(Tensor dy, Tensor indices, Shape input, WindowOptions window)
    {
        ArgumentNullException.ThrowIfNull(dy);
        ArgumentNullException.ThrowIfNull(indices);
        Require.Shape("MaxPool2dGradient", "dy", dy, Output(input, window));
        Require.Shape("MaxPool2dGradient", "indices", indices, dy.Shape);
        (int planes, int positions) = (dy.Shape[1], dy.Shape[2] * dy.Shape[3]);
        Tensor zeros = Tensor.Zeros([dy.Shape[0], planes, window.KernelHeight * window.KernelWidth, positions], dy.DType, dy.Device);
        Shape line = [dy.Shape[0], planes, 1, positions];
        return Folded(Indexing.ScatterAdd(zeros, 2, indices.Reshape(line), dy.Reshape(line)), input, window);
    }

    /// <summary>The mean of every window; padding counts as zeros, as torch's count_include_pad = true.</summary>
    /// <param name="x">[B, C, H, W]</param>
    /// <param name="window">Kernel, stride, padding and dilation.</param>
    /// <returns>[B, C, OH, OW]</returns>
    public static Tensor AveragePool2d(Tensor x, WindowOptions window) =>
        Reduction.Mean(Columns("AveragePool2d", x, window with { PaddingValue = 0 }), [2]).Reshape(Output(x.Shape, window));

    /// <summary>dL/dx of <see cref="AveragePool2d"/>.</summary>
    public static Tensor AveragePool2dGradient(Tensor dy, Shape input, WindowOptions window)
    {
        ArgumentNullException.ThrowIfNull(dy);
        Require.Shape("AveragePool2dGradient", "dy", dy, Output(input, window));
        int size = window.KernelHeight * window.KernelWidth;
        Tensor share = dy / size;
        Shape line = [dy.Shape[0], dy.Shape[1], 1, dy.Shape[2] * dy.Shape[3]];
        return Folded(share.Reshape(line).Expand(line.With(2, size)).Contiguous(), input, window);
    }

    /// <summary>Means over height / OH by width / OW areas, which overlap where the extents do not divide, as torch's.</summary>
    /// <returns>[B, C, height, width]; its gradient is <see cref="Resampling.Apply"/> with both matrices transposed.</returns>
    public static Tensor AdaptiveAveragePool2d(Tensor x, int height, int width)
    {
        Require.Rank("AdaptiveAveragePool2d", "x", x, 4, "[B, C, H, W]");
        return Resampling.Apply(x,
            Resampling.AverageMatrix(x.Shape[2], height, x.DType, x.Device), Resampling.AverageMatrix(x.Shape[3], width, x.DType, x.Device));
    }

    static Tensor Columns(string operation, Tensor x, WindowOptions window)
    {
        Require.Rank(operation, "x", x, 4, "[B, C, H, W]");
        Require.Arithmetic(operation, x);
        if (window.KernelHeight < 1 || window.KernelWidth < 1 || window.Stride < 1 || window.Dilation < 1 || window.Padding < 0
            || 2 * window.Padding > Math.Min(window.KernelHeight, window.KernelWidth))
            throw new ShapeException($"{operation}: {window} is no window: extents, stride and dilation are at least 1, the padding at most half the kernel.");
        Shape y = Output(x.Shape, window);
        if (y[2] < 1 || y[3] < 1) throw new ShapeException($"{operation}: a window of [{window.KernelHeight}, {window.KernelWidth}] does not fit into {x.Shape}.");
        Tensor columns = x.EmptyLike([y[0], y[1], window.KernelHeight * window.KernelWidth, y[2] * y[3]]);
        if (columns.ElementCount > 0) x.Backend.Unfold(x.Contiguous(), window, columns);
        return columns;
    }

    static Tensor Folded(Tensor columns, Shape input, WindowOptions window)
    {
        Tensor dx = columns.EmptyLike(input);
        if (dx.ElementCount > 0) dx.Backend.Fold(columns, window, dx);
        return dx;
    }

    static Shape Output(Shape x, WindowOptions window) => [x[0], x[1], window.OutputHeight(x[2]), window.OutputWidth(x[3])];
}

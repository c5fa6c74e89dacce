namespace Engine.Tensors;

/// <summary>How an image is interpolated.</summary>
public enum Interpolation
{
    /// <summary>The source pixel at floor(i * in / out), as torch's nearest.</summary>
    Nearest,

    /// <summary>A triangle over the two nearest pixels.</summary>
    Bilinear,

    /// <summary>Keys' cubic (1981) over the four nearest pixels: a = -0.75, and -0.5 with antialiasing, as torch's.</summary>
    Bicubic,
}

/// <summary>
/// Resizing of images, exactly as torch.nn.functional.interpolate does it. Every method here is linear and separable:
/// y = R x C^T with one matrix for the rows and one for the columns. So the gradient is the product with both transposed,
/// and any device that multiplies matrices can do it.
/// </summary>
public static class Resampling
{
    /// <summary>x [B, C, H, W] resized to [B, C, height, width].</summary>
    /// <param name="x">float32 or float64.</param>
    /// <param name="height">Rows of the result.</param>
    /// <param name="width">Columns of the result.</param>
    /// <param name="mode">The kernel.</param>
    /// <param name="alignCorners">True where the corner pixels' centres stay where they are.</param>
    /// <param name="antialias">True widens the kernel when shrinking, so that every pixel counts.</param>
    public static Tensor Interpolate(Tensor x, int height, int width, Interpolation mode, bool alignCorners = false, bool antialias = false)
    {
        Require.Rank("Interpolate", "x", x, 4, "[B, C, H, W]");
        return Apply(x,
            InterpolationMatrix(x.Shape[2], height, mode, alignCorners, antialias, x.DType, x.Device),
            InterpolationMatrix(x.Shape[3], width, mode, alignCorners, antialias, x.DType, x.Device));
    }

    /// <summary>y = rows x columns^T for every image.</summary>
    /// <param name="x">[B, C, H, W]</param>
    /// <param name="rows">[OH, H]</param>
    /// <param name="columns">[OW, W]</param>
    /// <returns>[B, C, OH, OW]</returns>
    public static Tensor Apply(Tensor x, Tensor rows, Tensor columns)
    {
        Require.Rank("Resampling", "x", x, 4, "[B, C, H, W]");
        Require.Arithmetic("Resampling", x);
        Require.Alike("Resampling", x, rows);
        Require.Alike("Resampling", x, columns);
        Require.Rank("Resampling", "rows", rows, 2, "[OH, H]");
        Require.Rank("Resampling", "columns", columns, 2, "[OW, W]");
        (int planes, int height, int width) = (x.Shape[0] * x.Shape[1], x.Shape[2], x.Shape[3]);
        (int outHeight, int outWidth) = (rows.Shape[0], columns.Shape[0]);
        if (rows.Shape[1] != height || columns.Shape[1] != width)
            throw new ShapeException($"Resampling: rows {rows.Shape} and columns {columns.Shape} do not fit x {x.Shape}.");
        Tensor y = x.EmptyLike([x.Shape[0], x.Shape[1], outHeight, outWidth]);
        if (y.ElementCount == 0) return y;
        if (x.ElementCount == 0) throw new ShapeException($"Resampling: {x.Shape} has no pixels.");
        Tensor half = x.EmptyLike([planes, height, outWidth]);
        x.Backend.MatMul(default(Identity), x.Reshape(planes * height, width), columns.Transpose(), null, half.Reshape(planes * height, outWidth), null, false);
        x.Backend.MatMul(default(Identity), rows.Expand([planes, outHeight, height]), half, null, y.Reshape(planes, outHeight, outWidth), null, false);
        half.Release();
        return y;
    }

    /// <summary>The matrix [to, from] that resizes one axis; see <see cref="InterpolationWeights"/>.</summary>
    public static Tensor InterpolationMatrix(int from, int to, Interpolation mode, bool alignCorners = false, bool antialias = false, DType dtype = DType.Float32, Device? device = null) =>
        Matrix(InterpolationWeights(from, to, mode, alignCorners, antialias), from, to, dtype, device);

    /// <summary>The matrix [to, from] of means over from / to neighbours, from floor(i from / to) to ceil((i + 1) from / to).</summary>
    public static Tensor AverageMatrix(int from, int to, DType dtype = DType.Float32, Device? device = null)
    {
        RequireExtents(from, to);
        double[] weights = new double[to * from];
        for (int i = 0; i < to; i++)
        {
            int begin = (int)((long)i * from / to), end = (int)(((i + 1L) * from + to - 1) / to);
            for (int j = begin; j < end; j++) weights[i * from + j] = 1.0 / (end - begin);
        }

        return Matrix(weights, from, to, dtype, device);
    }

    /// <summary>Row by row, what each of <paramref name="to"/> results takes of each of <paramref name="from"/> pixels; rows add up to 1.</summary>
    /// <exception cref="ShapeException">An extent is below 1, or nearest is asked for with aligned corners or antialiasing.</exception>
    public static double[] InterpolationWeights(int from, int to, Interpolation mode, bool alignCorners = false, bool antialias = false)
    {
        RequireExtents(from, to);
        if (mode == Interpolation.Nearest && (alignCorners || antialias))
            throw new ShapeException("Interpolate: the nearest pixel is taken as it is; alignCorners and antialias do not apply.");
        double[] weights = new double[to * from];
        double scale = !alignCorners ? (double)from / to : to > 1 ? (from - 1.0) / (to - 1) : 0;
        for (int i = 0; i < to; i++)
        {
            Span<double> row = weights.AsSpan(i * from, from);
            if (mode == Interpolation.Nearest) row[Math.Min((int)((long)i * from / to), from - 1)] = 1;
            else if (antialias) Widened(row, i, scale, mode);
            else Pointwise(row, alignCorners ? scale * i : scale * (i + 0.5) - 0.5, mode);
        }

        return weights;
    }

    // Pixels beyond the border count as the border's.
    static void Pointwise(Span<double> row, double center, Interpolation mode)
    {
        bool cubic = mode == Interpolation.Bicubic;
        if (!cubic) center = Math.Max(center, 0);
        int first = (int)Math.Floor(center);
        for (int j = cubic ? first - 1 : first; j <= (cubic ? first + 2 : first + 1); j++)
            row[Math.Clamp(j, 0, row.Length - 1)] += cubic ? Cubic(center - j, -0.75) : Triangle(center - j);
    }

    // The kernel is stretched by the scale when shrinking; what lies beyond the border is left out and the rest scaled to 1.
    static void Widened(Span<double> row, int place, double scale, Interpolation mode)
    {
        double stretch = Math.Max(scale, 1), support = (mode == Interpolation.Bicubic ? 2 : 1) * stretch;
        double center = scale * (place + 0.5), total = 0;
        int begin = Math.Max((int)(center - support + 0.5), 0), end = Math.Min((int)(center + support + 0.5), row.Length);
        for (int j = begin; j < end; j++)
        {
            double distance = (j - center + 0.5) / stretch;
            row[j] = mode == Interpolation.Bicubic ? Cubic(distance, -0.5) : Triangle(distance);
            total += row[j];
        }

        for (int j = begin; j < end && total != 0; j++) row[j] /= total;
    }

    static double Triangle(double distance) => Math.Max(0, 1 - Math.Abs(distance));

    // Keys 1981, "Cubic convolution interpolation for digital image processing", equation 15 with free a.
    static double Cubic(double distance, double a)
    {
        double d = Math.Abs(distance);
        return d < 1 ? ((a + 2) * d - (a + 3)) * d * d + 1
            : d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
            : 0;
    }

    static Tensor Matrix(double[] weights, int from, int to, DType dtype, Device? device) =>
        Tensor.From(weights, [to, from], device).To(dtype);

    static void RequireExtents(int from, int to)
    {
        if (from < 1 || to < 1) throw new ShapeException($"Interpolate: {from} pixels cannot become {to}.");
    }
}

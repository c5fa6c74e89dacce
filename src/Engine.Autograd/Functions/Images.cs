using Engine.Tensors;

namespace Engine.Autograd;

// Operations on images [B, C, H, W].
public static partial class Functions
{
    /// <summary>Convolution.</summary>
    /// <param name="x">[B, C, H, W]</param>
    /// <param name="weight">[D, C / groups, KH, KW]</param>
    /// <param name="bias">[D], or null</param>
    /// <param name="stride">Step between windows.</param>
    /// <param name="padding">Zeros on every side.</param>
    /// <param name="dilation">Distance between a window's elements.</param>
    /// <param name="groups">Channels are convolved in that many separate groups.</param>
    /// <returns>[B, D, OH, OW]</returns>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public static Variable Conv2d(
        Variable x, Variable weight, Variable? bias = null, int stride = 1, int padding = 0, int dilation = 1, int groups = 1)
    {
        (x, weight, bias) = (Tape.Narrow(x), Tape.Narrow(weight), Tape.Narrow(bias));
        Tensor y = Convolution.Conv2d(x.Value, weight.Value, bias?.Value, stride, padding, dilation, groups);
        return Tape.Record(y, [x, weight, bias], dy => (
            x.RequiresGradient ? Convolution.Conv2dInputGradient(dy, weight.Value, x.Shape, stride, padding, dilation, groups) : null,
            weight.RequiresGradient ? Convolution.Conv2dWeightGradient(dy, x.Value, weight.Shape, stride, padding, dilation, groups) : null,
            Wants(bias) ? Convolution.Conv2dBiasGradient(dy) : null));
    }

    /// <summary>The embedding of a vision transformer: patches that do not overlap, each through one linear map, as one product.</summary>
    /// <param name="x">[B, C, H, W]; H and W multiples of P</param>
    /// <param name="weight">[D, C, P, P]</param>
    /// <param name="bias">[D], or null</param>
    /// <returns>[B, H / P * W / P, D], row by row</returns>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public static Variable PatchEmbedding(Variable x, Variable weight, Variable? bias = null)
    {
        if (x.Rank != 4 || weight.Rank != 4 || weight.Shape[1] != x.Shape[1]
            || weight.Shape[2] != weight.Shape[3] || x.Shape[2] % weight.Shape[2] != 0 || x.Shape[3] % weight.Shape[3] != 0)
            throw new ShapeException($"PatchEmbedding: images {x.Shape} do not divide into patches of weight {weight.Shape}, [D, C, P, P].");
        Variable map = Conv2d(x, weight, bias, stride: weight.Shape[2]);                 // [B, D, H / P, W / P]
        return Reshape(Permute(map, 0, 2, 3, 1), map.Shape[0], map.Shape[2] * map.Shape[3], map.Shape[1]);
    }

    /// <summary>The largest element of each window.</summary>
    /// <param name="x">[B, C, H, W]</param>
    /// <param name="kernel">Rows and columns of a window.</param>
    /// <param name="stride">Step between windows; null for the kernel.</param>
    /// <param name="padding">Minus infinity on every side, at most half the kernel.</param>
    /// <param name="dilation">Distance between a window's elements.</param>
    /// <returns>[B, C, OH, OW]</returns>
    /// <exception cref="ShapeException">The windows do not fit.</exception>
    public static Variable MaxPool2d(Variable x, int kernel, int? stride = null, int padding = 0, int dilation = 1)
    {
        x = Tape.Widen(x);
        WindowOptions windows = new(kernel, kernel, stride ?? kernel, padding, dilation, float.NegativeInfinity);
        (Tensor y, Tensor index) = Pooling.MaxPool2d(x.Value, windows);
        return Tape.Record(y, [x], dy => Pooling.MaxPool2dGradient(dy, index, x.Shape, windows), saved: [index]);
    }

    /// <summary>The mean of each window; padding counts as zeros.</summary>
    /// <param name="x">[B, C, H, W]</param>
    /// <param name="kernel">Rows and columns of a window.</param>
    /// <param name="stride">Step between windows; null for the kernel.</param>
    /// <param name="padding">Zeros on every side.</param>
    /// <returns>[B, C, OH, OW]</returns>
    /// <exception cref="ShapeException">The windows do not fit.</exception>
    public static Variable AveragePool2d(Variable x, int kernel, int? stride = null, int padding = 0)
    {
        x = Tape.Widen(x);
        WindowOptions windows = new(kernel, kernel, stride ?? kernel, padding);
        return Tape.Record(Pooling.AveragePool2d(x.Value, windows), [x], dy =>
            Pooling.AveragePool2dGradient(dy, x.Shape, windows));
    }

    /// <summary>Means of areas that divide the image as evenly as possible, whatever its size.</summary>
    /// <param name="x">[B, C, H, W]</param>
    /// <param name="height">Rows of the result.</param>
    /// <param name="width">Columns of the result.</param>
    /// <returns>[B, C, height, width]</returns>
    /// <exception cref="ShapeException">x is not an image batch, or an extent is not positive.</exception>
    public static Variable AdaptiveAveragePool2d(Variable x, int height, int width)
    {
        CheckImages(x, "AdaptiveAveragePool2d");
        x = Tape.Widen(x);
        (DType dtype, Device device) = (x.Value.DType, x.Value.Device);
        return Resample(
            x,
            Resampling.AverageMatrix(x.Shape[2], height, dtype, device),
            Resampling.AverageMatrix(x.Shape[3], width, dtype, device),
            "AdaptiveAveragePool2d");
    }

    /// <summary>Another size, as torch's interpolate computes it.</summary>
    /// <param name="x">[B, C, H, W]</param>
    /// <param name="height">Rows of the result.</param>
    /// <param name="width">Columns of the result.</param>
    /// <param name="mode">The kernel.</param>
    /// <param name="alignCorners">True where the corner pixels' centres stay where they are.</param>
    /// <param name="antialias">True widens the kernel when shrinking, so that every pixel counts.</param>
    /// <returns>[B, C, height, width]</returns>
    /// <exception cref="ShapeException">x is not an image batch, or an extent is not positive.</exception>
    public static Variable Interpolate(
        Variable x, int height, int width, Interpolation mode, bool alignCorners = false, bool antialias = false)
    {
        CheckImages(x, "Interpolate");
        x = Tape.Widen(x);
        (DType dtype, Device device) = (x.Value.DType, x.Value.Device);
        return Resample(
            x,
            Resampling.InterpolationMatrix(x.Shape[2], height, mode, alignCorners, antialias, dtype, device),
            Resampling.InterpolationMatrix(x.Shape[3], width, mode, alignCorners, antialias, dtype, device),
            "Interpolate");
    }

    // y = rows x columns^T for every image, hence dx = rows^T dy columns.
    static Variable Resample(Variable x, Tensor rows, Tensor columns, string operation) =>
        Tape.Record(
            Resampling.Apply(x.Value, rows, columns),
            [x],
            dy => Resampling.Apply(dy, rows.Transpose(), columns.Transpose()),
            saved: [rows, columns],
            operation);

    static void CheckImages(Variable x, string operation)
    {
        if (x.Rank != 4) throw new ShapeException($"{operation}: x is {x.Shape}, not [B, C, H, W].");
    }
}

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
        Tensor y = Convolution.Conv2d(x.Value, weight.Value, bias?.Value, stride, padding, dilation, groups);
        return Tape.Record(y, [x, weight, bias], dy => (
            x.RequiresGradient ? Convolution.Conv2dInputGradient(dy, weight.Value, x.Shape, stride, padding, dilation, groups) : null,
            weight.RequiresGradient ? Convolution.Conv2dWeightGradient(dy, x.Value, weight.Shape, stride, padding, dilation, groups) : null,
            Wants(bias) ? Reduction.Sum(dy, [0, 2, 3]) : null));
    }

    /// <summary>The embedding of a vision transformer: patches that do not overlap, each through one linear map, as one product.</summary>
    /// <param name="x">[B, C, H, W]; H and W multiples of P</param>
    /// <param name="weight">[D, C, P, P]</param>
    /// <param name="bias">[D], or null</param>
    /// <returns>[B, H / P * W / P, D], row by row</returns>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public static Variable PatchEmbedding(Variable x, Variable weight, Variable? bias = null)
    {
        if (x.Rank != 4 || weight.Rank != 4 || weight.Shape[1] != x.Shape[1] || x.Shape[2] % weight.Shape[2] != 0 || x.Shape[3] % weight.Shape[3] != 0)
            throw new ShapeException($"PatchEmbedding: images {x.Shape} do not divide into patches of weight {weight.Shape}, [D, C, P, P].");
        int batch = x.Shape[0], channels = x.Shape[1], patchHeight = weight.Shape[2], patchWidth = weight.Shape[3];
        int rows = x.Shape[2] / patchHeight, columns = x.Shape[3] / patchWidth;
        Variable patches = Reshape(x, batch, channels, rows, patchHeight, columns, patchWidth);
        patches = Permute(patches, 0, 2, 4, 1, 3, 5);                                    // [B, rows, columns, C, P, P]
        patches = Reshape(patches, batch, rows * columns, channels * patchHeight * patchWidth);
        return Linear(patches, Reshape(weight, weight.Shape[0], channels * patchHeight * patchWidth), bias);
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
        WindowOptions windows = new(kernel, kernel, stride ?? kernel, padding, dilation, float.NegativeInfinity);
        (Tensor y, Tensor index) = Convolution.MaxPool2d(x.Value, windows);
        return Tape.Record(y, [x], dy => Convolution.MaxPool2dGradient(dy, index, x.Shape, windows), saved: [index]);
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
        WindowOptions windows = new(kernel, kernel, stride ?? kernel, padding);
        return Tape.Record(Convolution.AveragePool2d(x.Value, windows), [x], dy =>
            Convolution.AveragePool2dGradient(dy, x.Shape, windows));
    }

    /// <summary>Means of areas that divide the image as evenly as possible, whatever its size.</summary>
    /// <param name="x">[B, C, H, W]</param>
    /// <param name="height">Rows of the result.</param>
    /// <param name="width">Columns of the result.</param>
    /// <returns>[B, C, height, width]</returns>
    /// <exception cref="ShapeException">x is not an image batch, or an extent is not positive.</exception>
    public static Variable AdaptiveAveragePool2d(Variable x, int height, int width) =>
        Tape.Record(Resampling.AdaptiveAveragePool2d(x.Value, height, width), [x], dy =>
            Resampling.AdaptiveAveragePool2dGradient(dy, x.Shape));

    /// <summary>Another size, as torch's interpolate computes it.</summary>
    /// <param name="x">[B, C, H, W]</param>
    /// <param name="height">Rows of the result.</param>
    /// <param name="width">Columns of the result.</param>
    /// <param name="mode">How samples are weighted.</param>
    /// <param name="alignCorners">The corner samples of both grids coincide; else their outer edges.</param>
    /// <param name="antialias">Widen the filter when the image shrinks.</param>
    /// <returns>[B, C, height, width]</returns>
    /// <exception cref="ShapeException">x is not an image batch, or an extent is not positive.</exception>
    public static Variable Interpolate(
        Variable x, int height, int width, InterpolationMode mode, bool alignCorners = false, bool antialias = false) =>
        Tape.Record(Resampling.Interpolate(x.Value, height, width, mode, alignCorners, antialias), [x], dy =>
            Resampling.InterpolateGradient(dy, x.Shape, mode, alignCorners, antialias));
}

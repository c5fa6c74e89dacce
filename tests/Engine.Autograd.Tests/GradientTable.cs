using Engine.Tensors;
using static Engine.Autograd.Functions;

namespace Engine.Autograd.Tests;

/// <summary>
/// Every differentiable function with inputs that exercise its gradient; a test fails for one that is missing. Each case
/// runs with dense, transposed and strided inputs.
/// </summary>
static class GradientTable
{
    public static readonly GradientCase[] Cases =
    [
        .. Pairwise(nameof(Add), Add), .. Pairwise(nameof(Subtract), Subtract), .. Pairwise(nameof(Multiply), Multiply),
        .. Pairwise(nameof(Divide), Divide, from: 0.5), .. Pairwise(nameof(Maximum), Maximum), .. Pairwise(nameof(Minimum), Minimum),
        .. Pairwise(nameof(Binary), (a, b) => Binary(new Multiply(), a, b)), .. Pairwise(nameof(SwiGlu), SwiGlu),
        .. Pairwise(nameof(MeanSquaredError), MeanSquaredError, empty: false),
        .. Pairwise(nameof(BinaryCrossEntropyWithLogits), BinaryCrossEntropyWithLogits, empty: false),
        .. Pairwise("op_Addition", (a, b) => a + b), .. Pairwise("op_Subtraction", (a, b) => a - b),
        .. Pairwise("op_Multiply", (a, b) => a * b), .. Pairwise("op_Division", (a, b) => a / b, from: 0.5),

        .. Single("op_Addition", x => 2 + x + 0.5f), .. Single("op_Subtraction", x => 2 - x - 0.5f),
        .. Single("op_Multiply", x => 2 * x * 0.5f), .. Single("op_Division", x => 3 / (x / 2), from: 0.5),
        .. Single("op_UnaryNegation", x => -x),
        .. Single(nameof(Scale), x => Scale(x, -1.5f)), .. Single(nameof(AddConstant), x => AddConstant(x, 0.75f)),
        .. Single(nameof(Unary), x => Unary(new Silu(), x)), .. Single(nameof(Negate), Negate), .. Single(nameof(Exp), Exp),
        .. Single(nameof(Log), Log, from: 0.2), .. Single(nameof(Sqrt), Sqrt, from: 0.2),
        .. Single(nameof(ReciprocalSqrt), ReciprocalSqrt, from: 0.3), .. Single(nameof(Reciprocal), Reciprocal, from: 0.5),
        .. Single(nameof(Square), Square), .. Single(nameof(Abs), Abs), .. Single(nameof(Sin), Sin), .. Single(nameof(Cos), Cos),
        .. Single(nameof(Erf), Erf), .. Single(nameof(Tanh), Tanh), .. Single(nameof(Sigmoid), Sigmoid), .. Single(nameof(Relu), Relu),
        .. Single(nameof(Silu), Silu), .. Single(nameof(Gelu), Gelu), .. Single(nameof(GeluTanh), GeluTanh),
        .. Single(nameof(QuickGelu), QuickGelu), .. Single(nameof(Pow), x => Pow(x, -1.5f), from: 0.5),
        .. Single(nameof(Pow), x => Pow(x, 3)), .. Single(nameof(Clamp), x => Clamp(x, -0.55f, 0.85f)),

        Of(nameof(MatMul), "of matrices", v => MatMul(v[0], v[1]), [3, 4], [4, 2]),
        Of(nameof(MatMul), "of batches", v => MatMul(v[0], v[1]), [2, 1, 3, 4], [3, 4, 2]),
        Of(nameof(MatMul), "of a batch and one matrix", v => MatMul(v[0], v[1]), [2, 3, 4], [4, 2]),
        Of(nameof(MatMul), "of one matrix and a batch", v => MatMul(v[0], v[1]), [3, 4], [2, 4, 2]),
        Of(nameof(MatMul), "of a row and a matrix", v => MatMul(v[0], v[1]), [4], [4, 2]),
        Of(nameof(MatMul), "of a batch and a column", v => MatMul(v[0], v[1]), [2, 3, 4], [4]),
        Of(nameof(MatMul), "of two vectors", v => MatMul(v[0], v[1]), [4], [4]),
        Of(nameof(MatMul), "without rows", v => MatMul(v[0], v[1]), [0, 4], [4, 2]),
        Of(nameof(MatMul), "without inner elements", v => MatMul(v[0], v[1]), [3, 0], [0, 2]),
        Of(nameof(Linear), "with bias", v => Linear(v[0], v[1], v[2]), [2, 3, 4], [5, 4], [5]),
        Of(nameof(Linear), "without bias", v => Linear(v[0], v[1]), [3, 4], [5, 4]),
        Of(nameof(Linear), "of a vector", v => Linear(v[0], v[1], v[2]), [4], [5, 4], [5]),
        Of(nameof(Linear), "without rows", v => Linear(v[0], v[1], v[2]), [0, 4], [5, 4], [5]),
        Of(nameof(Linear), "with activation", v => Linear(new Gelu(), v[0], v[1], v[2]), [2, 3, 4], [5, 4], [5]),
        Of(nameof(Linear), "with activation, without bias", v => Linear(new Silu(), v[0], v[1]), [3, 4], [5, 4]),
        Of(nameof(LowRankLinear), "of the layer's own input", v => LowRankLinear(v[0], v[1], v[2], new LowRankUpdate(v[0], v[3], v[4], 0.5f)), [2, 3, 4], [5, 4], [5], [2, 4], [5, 2]),
        Of(nameof(LowRankLinear), "of another input", v => LowRankLinear(v[0], v[1], null, new LowRankUpdate(v[2], v[3], v[4], 2)), [3, 4], [5, 4], [3, 4], [2, 4], [5, 2]),
        Of(nameof(LowRankLinear), "of some columns", v => LowRankLinear(v[0], v[1], v[2], new(v[0], v[3], v[4], 1, 0), new(v[5], v[6], v[7], 0.25f, 3)),
            [2, 3, 4], [6, 4], [6], [1, 4], [2, 1], [2, 3, 4], [2, 4], [3, 2]),
        Of(nameof(LowRankLinear), "of the same columns", v => LowRankLinear(v[0], v[1], null, new(v[0], v[2], v[3], 1, 1), new(v[0], v[4], v[5], -1, 2)),
            [3, 4], [5, 4], [2, 4], [3, 2], [1, 4], [2, 1]),
        Of(nameof(LowRankLinear), "of a frozen layer", v => LowRankLinear(Constant(3, 4), Constant(5, 4), null, new LowRankUpdate(Constant(3, 4), v[0], v[1], 0.5f)), [2, 4], [5, 2]),
        Of(nameof(LowRankLinear), "without rows", v => LowRankLinear(v[0], v[1], null, new LowRankUpdate(v[0], v[2], v[3], 1)), [0, 4], [5, 4], [2, 4], [5, 2]),
        Of(nameof(LowRankLinear), "without updates", v => LowRankLinear(v[0], v[1], v[2]), [3, 4], [5, 4], [5]),

        .. AlongAxes(nameof(Softmax), Softmax), .. AlongAxes(nameof(LogSoftmax), LogSoftmax), .. AlongAxes(nameof(CumulativeSum), CumulativeSum),
        Of(nameof(LayerNorm), "", v => LayerNorm(v[0], v[1], v[2]), [2, 3, 5], [5], [5]),
        Of(nameof(LayerNorm), "without gamma and beta", v => LayerNorm(v[0], null, null, 1e-6f), [3, 5]),
        Of(nameof(LayerNorm), "without beta", v => LayerNorm(v[0], v[1], null), [3, 5], [5]),
        Of(nameof(LayerNorm), "without gamma", v => LayerNorm(v[0], null, v[1]), [3, 5], [5]),
        Of(nameof(LayerNorm), "of gamma alone", v => LayerNorm(Constant(3, 5), v[0], null), [5]),
        Of(nameof(LayerNorm), "without rows", v => LayerNorm(v[0], v[1], v[2]), [0, 5], [5], [5]),
        Of(nameof(RmsNorm), "", v => RmsNorm(v[0], v[1]), [2, 3, 5], [5]),
        Of(nameof(RmsNorm), "without gamma", v => RmsNorm(v[0], null), [3, 5]),
        Of(nameof(RmsNorm), "without rows", v => RmsNorm(v[0], v[1]), [0, 5], [5]),
        Of(nameof(BatchNormTraining), "", v => BatchNormTraining(v[0], v[1], v[2], 1e-3f).Y, [2, 3, 2, 2], [3], [3]),
        Of(nameof(BatchNormTraining), "of a batch of vectors", v => BatchNormTraining(v[0], v[1], v[2], 1e-3f).Y, [5, 2], [2], [2]),
        Of(nameof(BatchNorm), "", v => BatchNorm(v[0], Constant(3).Value, Constant(3).Value, v[1], v[2]), [2, 3, 2, 2], [3], [3]),

        Of(nameof(Attention), "", v => Attention(v[0], v[1], v[2]), [2, 2, 3, 4], [2, 2, 5, 4], [2, 2, 5, 3]),
        Of(nameof(Attention), "with a float mask and scale", v => Attention(v[0], v[1], v[2], v[3], scale: 0.7f), [2, 2, 3, 4], [2, 2, 5, 4], [2, 2, 5, 4], [2, 1, 3, 5]),
        Of(nameof(Attention), "with a bool mask", v => Attention(v[0], v[1], v[2], Alternating(3, 5)), [1, 2, 3, 4], [1, 2, 5, 4], [1, 2, 5, 4]),
        Of(nameof(Attention), "causal, grouped queries", v => Attention(v[0], v[1], v[2], causal: true), [1, 4, 5, 4], [1, 2, 5, 4], [1, 2, 5, 4]),
        Of(nameof(Attention), "of the query alone", v => Attention(v[0], Constant(1, 2, 5, 4), Constant(1, 2, 5, 3), causal: true), [1, 2, 5, 4]),
        Of(nameof(Attention), "of the key alone", v => Attention(Constant(1, 2, 3, 4), v[0], Constant(1, 2, 5, 3)), [1, 2, 5, 4]),
        Of(nameof(Attention), "of the value alone", v => Attention(Constant(1, 4, 3, 4), Constant(1, 2, 5, 4), v[0]), [1, 2, 5, 3]),
        Of(nameof(Attention), "of the mask alone", v => Attention(Constant(1, 2, 3, 4), Constant(1, 2, 5, 4), Constant(1, 2, 5, 3), v[0]), [3, 5]),
        Of(nameof(SelfAttention), "", v => SelfAttention(v[0], 2), [2, 3, 12]),
        Of(nameof(SelfAttention), "causal", v => SelfAttention(v[0], 2, causal: true), [1, 4, 12]),
        Of(nameof(SelfAttention), "with a mask", v => SelfAttention(v[0], 2, v[1]), [2, 3, 12], [1, 2, 3, 3]),
        Of(nameof(SelfAttention), "with a mask that repeats", v => SelfAttention(v[0], 2, v[1]), [4, 3, 12], [2, 2, 3, 3]),
        Of(nameof(SelfAttention), "with a mask that repeats for all heads", v => SelfAttention(v[0], 2, v[1]), [6, 3, 12], [3, 1, 3, 3]),
        Of(nameof(Rotary), "", v => Rotary(v[0], Constant(3, 2).Value, Constant(3, 2).Value), [2, 2, 3, 4]),

        Of(nameof(CrossEntropy), "", v => CrossEntropy(v[0], Targets(4)), [4, 3]),
        Of(nameof(CrossEntropy), "of images", v => CrossEntropy(v[0], Targets(2, 2, 2)), [2, 3, 2, 2]),
        Of(nameof(CrossEntropy), "with all options", v => CrossEntropy(v[0], Targets(4), new(1, 0.1f), Constant(3).Value), [4, 3]),

        .. Folds(nameof(Sum), Sum), .. Folds(nameof(Mean), Mean), .. Folds(nameof(Max), Max), .. Folds(nameof(Min), Min),
        .. Folds(nameof(Variance), (x, axes, keep) => Variance(x, axes, 1, keep)),
        .. Folds(nameof(StandardDeviation), (x, axes, keep) => StandardDeviation(x, axes, 0, keep)),
        .. AlongAxes(nameof(MaxWithIndex), (x, axis) => MaxWithIndex(x, axis).Values, empty: false),
        .. AlongAxes(nameof(MinWithIndex), (x, axis) => MinWithIndex(x, axis).Values, empty: false),
        .. AlongAxes(nameof(TopK), (x, axis) => TopK(x, 2, axis).Values, empty: false),

        Of(nameof(Reshape), "", v => Reshape(v[0], 4, -1), [2, 3, 4]), Of(nameof(Reshape), "to a shape", v => Reshape(v[0], v[0].Shape), [2, 3]),
        Of(nameof(Permute), "", v => Permute(v[0], 2, 0, -2), [2, 3, 4]),
        Of(nameof(Transpose), "", v => Transpose(v[0]), [2, 3, 4]), Of(nameof(Transpose), "of chosen axes", v => Transpose(v[0], 0, 2), [2, 3, 4]),
        Of(nameof(Slice), "", v => Slice(v[0], 1, 1, 3), [2, 4, 3]), Of(nameof(Slice), "with a step", v => Slice(v[0], -1, 1, -1, 2), [2, 7]),
        Of(nameof(Slice), "of nothing", v => Slice(v[0], 0, 1, 1), [2, 3]),
        Of(nameof(Select), "", v => Select(v[0], 1, -2), [2, 4, 3]),
        Of(nameof(Expand), "", v => Expand(v[0], 2, -1, 4), [3, 1]),
        Of(nameof(Expand), "to a shape", v => Expand(v[0], Shape.Create([2, 3])), Shape.Create([])),
        Of(nameof(Flip), "", v => Flip(v[0], 0, -1), [2, 3, 4]),
        Of(nameof(Squeeze), "", v => Squeeze(v[0], 1), [2, 1, 3]), Of(nameof(Unsqueeze), "", v => Unsqueeze(v[0], -1), [2, 3]),
        Of(nameof(Concatenate), "", v => Concatenate(-1, v[0], v[1], v[2]), [2, 3], [2, 1], [2, 0]),
        Of(nameof(Concatenate), "of one", v => Concatenate(0, v[0]), [2, 3]),
        Of(nameof(Concatenate), "of the same", v => Concatenate(0, v[0], v[0]), [2, 3]),
        Of(nameof(Stack), "", v => Stack(1, v[0], v[1]), [2, 3], [2, 3]),
        Of(nameof(Pad), "", v => Pad(v[0], [1, 0, 0, 2], 0.5f), [2, 3]),
        Of(nameof(Pad), "that cuts off", v => Pad(v[0], [-1, 2]), [2, 3]),
        Of(nameof(Roll), "", v => Roll(v[0], [-2, 1], [1, 0]), [2, 5, 2]), Of(nameof(Roll), "all around", v => Roll(v[0], [7], [0]), [3, 2]),
        Of(nameof(Repeat), "", v => Repeat(v[0], 2, 3, 1), [2, 3]), Of(nameof(Repeat), "not at all", v => Repeat(v[0], 0, 2), [2, 3]),
        Of(nameof(RepeatInterleave), "", v => RepeatInterleave(v[0], 3, -2), [2, 2, 3]),

        Of(nameof(Gather), "", v => Gather(v[0], 1, Index([0, 2, 2, 1], 2, 2)), [2, 3]),
        Of(nameof(ScatterAdd), "", v => ScatterAdd(v[0], 0, Index([0, 2, 2, 1, 0, 0], 3, 2), v[1]), [3, 2], [3, 2]),
        Of(nameof(IndexSelect), "", v => IndexSelect(v[0], 1, Index([3, 0, 3], 3)), [2, 4, 3]),
        Of(nameof(Reorder), "", v => Reorder(v[0], -1, Permutation.Of([2, 0, 3, 1])), [2, 3, 4]),
        Of(nameof(IndexSelect), "of nothing", v => IndexSelect(v[0], 1, Index([], 0)), [2, 4, 3]),
        Of(nameof(Embedding), "", v => Embedding(v[0], Index([3, 0, 3, 1], 2, 2)), [4, 3]),
        Of(nameof(Where), "", v => Where(Alternating(2, 3), v[0], v[1]), [2, 3], [3]),
        Of(nameof(Where), "of broadcast parts", v => Where(Alternating(2, 1), v[0], v[1]), [1, 3], []),
        Of(nameof(MaskedFill), "", v => MaskedFill(v[0], Alternating(3), -7), [2, 3]),

        Of(nameof(Conv2d), "", v => Conv2d(v[0], v[1], v[2]), [2, 2, 4, 5], [3, 2, 2, 2], [3]),
        Of(nameof(Conv2d), "with all options", v => Conv2d(v[0], v[1], null, stride: 2, padding: 1, dilation: 2, groups: 2), [1, 4, 6, 5], [2, 2, 3, 2]),
        Of(nameof(PatchEmbedding), "", v => PatchEmbedding(v[0], v[1], v[2]), [2, 2, 4, 6], [3, 2, 2, 2], [3]),
        Of(nameof(MaxPool2d), "", v => MaxPool2d(v[0], 2), [2, 2, 4, 5]),
        Of(nameof(MaxPool2d), "with all options", v => MaxPool2d(v[0], 3, 2, 1, 2), [1, 2, 7, 6]),
        Of(nameof(AveragePool2d), "", v => AveragePool2d(v[0], 3, 2, 1), [1, 2, 5, 6]),
        Of(nameof(AdaptiveAveragePool2d), "", v => AdaptiveAveragePool2d(v[0], 3, 2), [1, 2, 5, 4]),
        Of(nameof(Interpolate), "bilinear", v => Interpolate(v[0], 5, 3, Interpolation.Bilinear), [1, 2, 3, 4]),
        Of(nameof(Interpolate), "bicubic", v => Interpolate(v[0], 5, 6, Interpolation.Bicubic, alignCorners: true), [1, 2, 3, 4]),
        Of(nameof(Interpolate), "antialiased", v => Interpolate(v[0], 2, 3, Interpolation.Bicubic, antialias: true), [1, 1, 5, 6]),

        Of(nameof(Dropout), "", v => Dropout(v[0], 0.4f, new Philox(3)), [3, 5]), Of(nameof(Dropout), "of nothing", v => Dropout(v[0], 0, new Philox(3)), [3, 5]),
        Of(nameof(DropPath), "", v => DropPath(v[0], 0.4f, new Philox(3)), [6, 2, 2]),
    ];

    /// <summary>Public methods of <see cref="Functions"/> whose result has no gradient.</summary>
    public static readonly string[] WithoutGradient = [nameof(ArgMax), nameof(ArgMin)];

    static GradientCase Of(string function, string what, Func<Variable[], Variable> apply, params Shape[] shapes) =>
        new(function, what, apply, shapes, -2, 2);

    static IEnumerable<GradientCase> Single(string function, Func<Variable, Variable> apply, double from = -2)
    {
        foreach (Shape shape in (Shape[])[[2, 3], [2, 1, 3], [19], [], [0, 3]])
            yield return Of(function, $"of {shape}", v => apply(v[0]), shape) with { From = from };
        yield return Of(function, "of a view", v => apply(Permute(Slice(v[0], 1, 1, 3), 1, 0)), [2, 4]) with { From = from };
    }

    static IEnumerable<GradientCase> Pairwise(string function, Func<Variable, Variable, Variable> apply, double from = -2, bool empty = true)
    {
        foreach ((Shape a, Shape b) in ((Shape, Shape)[])[([2, 3], [2, 3]), ([2, 1, 3], [4, 1]), ([], [2, 3]), ([5], [])])
            yield return Of(function, $"of {a} and {b}", v => apply(v[0], v[1]), a, b) with { From = from };
        if (empty) yield return Of(function, "of nothing", v => apply(v[0], v[1]), [0, 3], [1, 3]) with { From = from };
        yield return Of(function, "of expanded parts", v => apply(Expand(v[0], 2, 3), v[1]), [1, 3], [2, 3]) with { From = from };
    }

    static IEnumerable<GradientCase> AlongAxes(string function, Func<Variable, int, Variable> apply, bool empty = true)
    {
        for (int axis = -1; axis < 2; axis++)
        {
            int along = axis;
            yield return Of(function, $"along axis {axis}", v => apply(v[0], along), [3, 4, 2]);
        }

        if (empty) yield return Of(function, "of nothing", v => apply(v[0], 1), [0, 3]);
    }

    static IEnumerable<GradientCase> Folds(string function, Func<Variable, int[]?, bool, Variable> apply)
    {
        yield return Of(function, "of all", v => apply(v[0], null, false), [2, 3, 4]);
        yield return Of(function, "of all, axes kept", v => apply(v[0], null, true), [2, 3]);
        yield return Of(function, "over one axis", v => apply(v[0], [1], false), [2, 3, 4]);
        yield return Of(function, "over two axes, kept", v => apply(v[0], [0, -1], true), [2, 3, 4]);
        yield return Of(function, "without rows", v => apply(v[0], [-1], false), [0, 3]);
    }

    static Variable Constant(params ReadOnlySpan<int> shape)
    {
        Shape extents = Shape.Create(shape);
        double[] values = new double[extents.ElementCount];
        for (int i = 0; i < values.Length; i++) values[i] = 0.4 + 0.7 * Math.Sin(1.3 * i) * Math.Sin(1.3 * i);
        return Tensor.From(values, extents);
    }

    static Tensor Index(int[] values, params ReadOnlySpan<int> shape) => Tensor.From(values, Shape.Create(shape));

    static Tensor Alternating(params ReadOnlySpan<int> shape)
    {
        Shape extents = Shape.Create(shape);
        return Tensor.From([.. Enumerable.Range(0, (int)extents.ElementCount).Select(i => i % 3 != 1)], extents);
    }

    static Tensor Targets(params ReadOnlySpan<int> shape)
    {
        Shape extents = Shape.Create(shape);
        return Tensor.From([.. Enumerable.Range(0, (int)extents.ElementCount).Select(i => (long)(i * i % 3))], extents);
    }
}

using Engine.Tensors;
using Engine.Testing;
using static Engine.Autograd.Functions;

namespace Engine.Autograd.Tests;

/// <summary>What each operation of the fixtures is in the engine; options by their names in torch.</summary>
static class OperationFixtures
{
    static readonly Dictionary<string, Func<Fixture, Variable[]>> Table = new()
    {
        ["add"] = f => [Add(f.In("a"), f.In("b"))],
        ["sub"] = f => [Subtract(f.In("a"), f.In("b"))],
        ["mul"] = f => [Multiply(f.In("a"), f.In("b"))],
        ["div"] = f => [Divide(f.In("a"), f.In("b"))],
        ["maximum"] = f => [Maximum(f.In("a"), f.In("b"))],
        ["minimum"] = f => [Minimum(f.In("a"), f.In("b"))],

        ["neg"] = f => [Negate(f.In("x"))],
        ["exp"] = f => [Exp(f.In("x"))],
        ["log"] = f => [Log(f.In("x"))],
        ["sqrt"] = f => [Sqrt(f.In("x"))],
        ["rsqrt"] = f => [ReciprocalSqrt(f.In("x"))],
        ["reciprocal"] = f => [Reciprocal(f.In("x"))],
        ["square"] = f => [Square(f.In("x"))],
        ["abs"] = f => [Abs(f.In("x"))],
        ["sin"] = f => [Sin(f.In("x"))],
        ["cos"] = f => [Cos(f.In("x"))],
        ["erf"] = f => [Erf(f.In("x"))],
        ["tanh"] = f => [Tanh(f.In("x"))],
        ["sigmoid"] = f => [Sigmoid(f.In("x"))],
        ["relu"] = f => [Relu(f.In("x"))],
        ["silu"] = f => [Silu(f.In("x"))],
        ["gelu"] = f => [f.Config("approximate", "none") == "tanh" ? GeluTanh(f.In("x")) : Gelu(f.In("x"))],
        ["gelu_tanh"] = f => [GeluTanh(f.In("x"))],
        ["quick_gelu"] = f => [QuickGelu(f.In("x"))],
        ["pow"] = f => [Pow(f.In("x"), f.Config<float>("exponent"))],
        ["clamp"] = f => [Clamp(f.In("x"), f.Config("min", float.NegativeInfinity), f.Config("max", float.PositiveInfinity))],

        ["matmul"] = f => [MatMul(f.In("a"), f.In("b"))],
        ["linear"] = f => [Linear(f.In("x"), f.In("weight"), f.InOrNull("bias"))],

        ["softmax"] = f => [Softmax(f.In("x"), f.Config("dim", -1))],
        ["log_softmax"] = f => [LogSoftmax(f.In("x"), f.Config("dim", -1))],
        ["layer_norm"] = f => [LayerNorm(f.In("x"), f.InOrNull("weight"), f.InOrNull("bias"), f.Config("eps", 1e-5f))],
        ["rms_norm"] = f => [RmsNorm(f.In("x"), f.InOrNull("weight"), f.Config("eps", 1e-6f))],
        ["batch_norm_eval"] = f => [BatchNorm(f.In("x"), f.In("mean").Value, f.In("var").Value, f.In("weight"), f.In("bias"), f.Config("eps", 1e-5f))],

        ["attention"] = f => [Attention(
            f.In("query"), f.In("key"), f.In("value"), f.InOrNull("mask"), f.Config("causal", false), f.Config<float?>("scale", null))],
        ["rotary"] = Rotated,
        ["swiglu"] = f => [SwiGlu(f.In("gate"), f.In("up"))],

        ["cross_entropy"] = f => [CrossEntropy(
            f.In("logits"), f.In("target").Value, new(f.Config("ignore_index", -100), f.Config("label_smoothing", 0f)),
            (f.InOrNull("weight") ?? f.InOrNull("class_weights"))?.Value)],
        ["mse_loss"] = f => [MeanSquaredError(f.In("x"), f.In("target"))],
        ["bce_with_logits"] = f => [BinaryCrossEntropyWithLogits(f.In("x"), f.In("target"))],

        ["sum"] = f => [Sum(f.In("x"), Axes(f), KeepAxes(f))],
        ["mean"] = f => [Mean(f.In("x"), Axes(f), KeepAxes(f))],
        ["var"] = f => [Variance(f.In("x"), Axes(f), f.Config("correction", 1f), KeepAxes(f))],
        ["std"] = f => [StandardDeviation(f.In("x"), Axes(f), f.Config("correction", 1f), KeepAxes(f))],
        ["max"] = f => f.Has("out.1") ? Chosen(f, MaxWithIndex(f.In("x"), f.Config<int>("dim"))) : [Max(f.In("x"), Axes(f), KeepAxes(f))],
        ["min"] = f => f.Has("out.1") ? Chosen(f, MinWithIndex(f.In("x"), f.Config<int>("dim"))) : [Min(f.In("x"), Axes(f), KeepAxes(f))],
        ["argmax"] = f => Chosen(f, (ArgMax(f.In("x"), f.Config<int>("dim")), null)),
        ["argmin"] = f => Chosen(f, (ArgMin(f.In("x"), f.Config<int>("dim")), null)),
        ["topk"] = f => Pair(TopK(f.In("x"), f.Config<int>("k"), f.Config("dim", -1))),
        ["cumsum"] = f => [CumulativeSum(f.In("x"), f.Config("dim", -1))],

        ["permute"] = f => [Permute(f.In("x"), f.Config<int[]>("dims"))],
        ["transpose"] = f => [Transpose(f.In("x"), f.Config<int[]>("dims")[0], f.Config<int[]>("dims")[1])],
        ["reshape"] = f => [Reshape(f.In("x"), f.Config<int[]>("shape"))],
        ["squeeze"] = f => [Squeeze(f.In("x"), f.Config<int>("dim"))],
        ["unsqueeze"] = f => [Unsqueeze(f.In("x"), f.Config<int>("dim"))],
        ["slice"] = f => [Slice(f.In("x"), f.Config<int>("dim"), f.Config("start", 0), f.Config<int>("stop"), f.Config("step", 1))],
        ["select"] = f => [Select(f.In("x"), f.Config<int>("dim"), f.Config<int>("index"))],
        ["expand"] = f => [Expand(f.In("x"), f.Config<int[]>("shape"))],
        ["flip"] = f => [Flip(f.In("x"), f.Config<int[]>("dims"))],
        ["concat"] = f => [Concatenate(f.Config("dim", 0), [.. f.InputNames.Select(f.In)])],
        ["stack"] = f => [Stack(f.Config("dim", 0), [.. f.InputNames.Select(f.In)])],
        ["pad"] = f => [Pad(f.In("x"), f.Config<int[]>("pad"), f.Config("value", 0f))],
        ["roll"] = f => [Roll(f.In("x"), f.Config<int[]>("shifts"), f.Config<int[]>("dims"))],
        ["repeat"] = f => [Repeat(f.In("x"), f.Config<int[]>("repeats"))],
        ["repeat_interleave"] = f => [RepeatInterleave(f.In("x"), f.Config<int>("repeats"), f.Config("dim", 0))],

        ["embedding"] = f => [Embedding(f.In("weight"), f.In("ids").Value)],
        ["gather"] = f => [Gather(f.In("x"), f.Config<int>("dim"), f.In("index").Value)],
        ["scatter_add"] = f => [ScatterAdd(f.In("x"), f.Config<int>("dim"), f.In("index").Value, f.In("src"))],
        ["index_select"] = f => [IndexSelect(f.In("x"), f.Config<int>("dim"), f.In("index").Value)],
        ["where"] = f => [Where(f.In("mask").Value, f.In("a"), f.In("b"))],
        ["masked_fill"] = f => [MaskedFill(f.In("x"), f.In("mask").Value, f.Config<float>("value"))],

        ["conv2d"] = f => [Conv2d(
            f.In("x"), f.In("weight"), f.InOrNull("bias"), Both(f, "stride", 1), Both(f, "padding", 0), Both(f, "dilation", 1), f.Config("groups", 1))],
        ["max_pool2d"] = f => [MaxPool2d(
            f.In("x"), Both(f, "kernel", 0), Both(f, "stride", Both(f, "kernel", 0)), Both(f, "padding", 0), Both(f, "dilation", 1))],
        ["avg_pool2d"] = f => [AveragePool2d(f.In("x"), Both(f, "kernel", 0), Both(f, "stride", Both(f, "kernel", 0)), Both(f, "padding", 0))],
        ["adaptive_avg_pool2d"] = f => [AdaptiveAveragePool2d(f.In("x"), f.Config<int[]>("size")[0], f.Config<int[]>("size")[^1])],
        ["interpolate"] = f => [Interpolate(
            f.In("x"), f.Config<int[]>("size")[0], f.Config<int[]>("size")[^1], Enum.Parse<Interpolation>(f.Config<string>("mode"), ignoreCase: true),
            f.Config("align_corners", false), f.Config("antialias", false))],
    };

    /// <summary>Runs the operation a case names.</summary>
    public static Variable[] Run(Fixture fixture)
    {
        string name = fixture.Config<string>("op");
        return Table.TryGetValue(name, out Func<Fixture, Variable[]>? operation)
            ? operation(fixture) : throw new InvalidOperationException($"{fixture.Name}: the table of operations has no {name}.");
    }

    static int[]? Axes(Fixture f) => f.Config<int[]?>("dim", null);

    static bool KeepAxes(Fixture f) => f.Config("keepdim", false);

    static Variable[] Pair((Variable Values, Tensor Index) result) => [result.Values, result.Index];

    // An option of both image axes: one number, or the same one twice.
    static int Both(Fixture f, string key, int fallback) => Assert.Single(f.Config<int[]>(key, [fallback]).Distinct());

    // keepdim leaves the folded axis of both results as 1.
    static Variable[] Chosen(Fixture f, (Variable First, Tensor? Second) result)
    {
        Variable[] results = result.Second is null ? [result.First] : [result.First, result.Second];
        int axis = f.In("x").Shape.Axis(f.Config<int>("dim"), f.Name);
        return KeepAxes(f) ? [.. results.Select(each => Unsqueeze(each, axis))] : results;
    }

    static Variable[] Rotated(Fixture f)
    {
        Variable x = f.In("x");
        (Tensor cosine, Tensor sine) = Engine.Tensors.Rotary.Tables(
            f.Config("theta", 10000.0), x.Shape[3], f.Config("start", 0), x.Shape[2], device: f.Device);
        return [Rotary(x, cosine, sine)];
    }
}

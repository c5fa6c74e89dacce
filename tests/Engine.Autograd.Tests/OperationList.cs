using System.Reflection;
using System.Text;
using Engine.Tensors;
using static Engine.Autograd.Functions;

namespace Engine.Autograd.Tests;

/// <summary>
/// The table of all operations, docs/operations.md: which entry points of Engine.Tensors each function is made of. What
/// functions and entry points there are is read from the assemblies.
/// </summary>
static class OperationList
{
    static readonly Type[] Operations =
    [
        typeof(Elementwise), typeof(Matrices), typeof(Normalization), typeof(Attention), typeof(Rotary), typeof(Losses), typeof(Reduction),
        typeof(Joining), typeof(Indexing), typeof(Convolution), typeof(Pooling), typeof(Resampling), typeof(RandomNumbers),
    ];

    /// <summary>A family is a heading; a row is a function and the entry points of its result and gradient.</summary>
    static readonly (string Family, (string Function, string[] EntryPoints)[] Rows)[] Families =
    [
        ("Arithmetic",
        [
            (nameof(Add), ["Elementwise.Map", "Reduction.SumTo"]), (nameof(Subtract), ["Elementwise.Map", "Reduction.SumTo"]),
            (nameof(Multiply), ["Elementwise.Map", "Reduction.SumTo"]), (nameof(Divide), ["Elementwise.Map", "Reduction.SumTo"]),
            (nameof(Maximum), ["Elementwise.Map", "Reduction.SumTo"]), (nameof(Minimum), ["Elementwise.Map", "Reduction.SumTo"]),
            (nameof(Binary), ["Elementwise.Map", "Reduction.SumTo"]),
            (nameof(Scale), ["Elementwise.Map"]), (nameof(AddConstant), ["Elementwise.Map"]),
        ]),
        ("Elementary functions and activations",
        [
            .. new[]
            {
                nameof(Unary), nameof(Negate), nameof(Exp), nameof(Log), nameof(Sqrt), nameof(ReciprocalSqrt), nameof(Reciprocal), nameof(Square),
                nameof(Abs), nameof(Sin), nameof(Cos), nameof(Erf), nameof(Tanh), nameof(Sigmoid), nameof(Relu), nameof(Silu), nameof(Gelu),
                nameof(GeluTanh), nameof(QuickGelu), nameof(Pow), nameof(Clamp),
            }.Select(name => (name, new[] { "Elementwise.Map" })),
        ]),
        ("Products",
        [
            (nameof(MatMul), ["Matrices.MatMul"]),
            (nameof(Linear), ["Matrices.Linear", "Matrices.LinearInputGradient", "Matrices.LinearWeightGradient", "Reduction.SumTo"]),
            (nameof(LowRankLinear), ["Matrices.Linear", "Matrices.MatMulInto", "Matrices.LinearInputGradient", "Matrices.LinearWeightGradient", "Elementwise.MapInto", "Reduction.SumTo"]),
        ]),
        ("Normalization",
        [
            (nameof(LayerNorm), ["Normalization.LayerNorm", "Normalization.LayerNormGradient"]),
            (nameof(RmsNorm), ["Normalization.RmsNorm", "Normalization.RmsNormGradient"]),
            (nameof(BatchNormTraining), ["Normalization.BatchNorm", "Normalization.BatchNormGradient"]),
            (nameof(BatchNorm), ["Elementwise.Map", "Reduction.SumTo"]),
            (nameof(Softmax), ["Normalization.Softmax", "Normalization.SoftmaxGradient"]),
            (nameof(LogSoftmax), ["Normalization.LogSoftmax", "Normalization.LogSoftmaxGradient"]),
        ]),
        ("Attention",
        [
            (nameof(Functions.Attention), ["Attention.Forward", "Attention.GradientInto"]),
            (nameof(SelfAttention), ["Attention.ForwardInto", "Attention.GradientInto"]),
            (nameof(Functions.Rotary), ["Rotary.Rotate"]),
            (nameof(SwiGlu), ["Elementwise.Map", "Reduction.SumTo"]),
        ]),
        ("Losses",
        [
            (nameof(CrossEntropy), ["Losses.CrossEntropy", "Losses.CrossEntropyGradient"]),
            (nameof(MeanSquaredError), ["Elementwise.Map", "Reduction.Mean"]),
            (nameof(BinaryCrossEntropyWithLogits), ["Elementwise.Map", "Reduction.Mean"]),
        ]),
        ("Reductions",
        [
            (nameof(Sum), ["Reduction.Sum"]), (nameof(Mean), ["Reduction.Mean"]), (nameof(Variance), ["Reduction.Variance"]),
            (nameof(StandardDeviation), ["Reduction.Variance"]), (nameof(Max), ["Reduction.Max"]), (nameof(Min), ["Reduction.Min"]),
            (nameof(MaxWithIndex), ["Reduction.MaxWithIndex", "Indexing.ScatterAdd"]),
            (nameof(MinWithIndex), ["Reduction.MinWithIndex", "Indexing.ScatterAdd"]),
            (nameof(TopK), ["Reduction.TopK", "Indexing.ScatterAdd"]), (nameof(CumulativeSum), ["Reduction.CumulativeSum"]),
            (nameof(ArgMax), ["Reduction.ArgMax"]), (nameof(ArgMin), ["Reduction.ArgMin"]),
        ]),
        ("Views",
        [
            (nameof(Reshape), []), (nameof(Permute), []), (nameof(Transpose), []), (nameof(Slice), []), (nameof(Select), []),
            (nameof(Expand), ["Reduction.SumTo"]), (nameof(Flip), []), (nameof(Squeeze), []), (nameof(Unsqueeze), []),
        ]),
        ("Joining and repeating",
        [
            (nameof(Concatenate), ["Joining.Concatenate"]), (nameof(Stack), ["Joining.Stack"]), (nameof(Pad), ["Joining.Pad"]),
            (nameof(Roll), ["Joining.Roll"]), (nameof(Repeat), ["Joining.Repeat", "Reduction.SumTo"]),
            (nameof(RepeatInterleave), ["Joining.RepeatInterleave", "Reduction.Sum"]),
        ]),
        ("Indexing",
        [
            (nameof(Gather), ["Indexing.Gather", "Indexing.ScatterAdd"]), (nameof(ScatterAdd), ["Indexing.ScatterAdd", "Indexing.Gather"]),
            (nameof(IndexSelect), ["Indexing.IndexSelect", "Indexing.IndexAdd"]),
            (nameof(Reorder), ["Indexing.IndexSelect"]),
            (nameof(Embedding), ["Indexing.Embedding", "Indexing.EmbeddingGradient"]),
            (nameof(Where), ["Elementwise.Select"]), (nameof(MaskedFill), ["Elementwise.MaskedFill"]),
        ]),
        ("Images",
        [
            (nameof(Conv2d), ["Convolution.Conv2d", "Convolution.Conv2dInputGradient", "Convolution.Conv2dWeightGradient", "Convolution.Conv2dBiasGradient"]),
            (nameof(PatchEmbedding), ["Convolution.Conv2d", "Convolution.Conv2dInputGradient", "Convolution.Conv2dWeightGradient", "Convolution.Conv2dBiasGradient"]),
            (nameof(MaxPool2d), ["Pooling.MaxPool2d", "Pooling.MaxPool2dGradient"]),
            (nameof(AveragePool2d), ["Pooling.AveragePool2d", "Pooling.AveragePool2dGradient"]),
            (nameof(AdaptiveAveragePool2d), ["Resampling.AverageMatrix", "Resampling.Apply"]),
            (nameof(Interpolate), ["Resampling.InterpolationMatrix", "Resampling.Apply"]),
        ]),
        ("Randomness",
        [
            (nameof(Dropout), ["RandomNumbers.Uniform", "Elementwise.Map"]), (nameof(DropPath), ["RandomNumbers.Uniform", "Elementwise.Map"]),
        ]),
    ];

    /// <summary>Every function the table names, once.</summary>
    public static IEnumerable<string> FunctionNames => Families.SelectMany(family => family.Rows).Select(row => row.Function);

    /// <summary>Every entry point the table names.</summary>
    public static IEnumerable<string> NamedEntryPoints => Families.SelectMany(family => family.Rows).SelectMany(row => row.EntryPoints).Distinct();

    /// <summary>Every entry point there is.</summary>
    public static IEnumerable<string> EntryPoints =>
        from type in Operations
        from method in type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly).Select(method => method.Name).Distinct()
        select $"{type.Name}.{method}";

    /// <summary>The text of docs/operations.md.</summary>
    public static string ToMarkdown()
    {
        StringBuilder text = new();
        text.Append("# Operations\n\n");
        text.Append("Functions are those of `Engine.Autograd.Functions`; entry points, without gradients, are static classes of `Engine.Tensors`\n");
        text.Append("(views are methods of `Tensor`). A test compares this table with the code. Gradients are checked against central differences\n");
        text.Append("in float64, results and gradients in float32 against torch.\n");
        foreach ((string family, (string Function, string[] EntryPoints)[] rows) in Families)
        {
            Heading(text, family);
            foreach ((string function, string[] entryPoints) in rows)
                Row(text, Signature(function), entryPoints.Length == 0 ? ["Tensor." + function] : entryPoints, !GradientTable.WithoutGradient.Contains(function));
        }

        Heading(text, "Without a function");
        foreach (string entryPoint in EntryPoints.Except(NamedEntryPoints)) Row(text, "", [entryPoint], false);
        return text.ToString();
    }

    static void Heading(StringBuilder text, string title) =>
        text.Append($"\n## {title}\n\n| function | entry points | gradient | CPU | GPU |\n| --- | --- | --- | --- | --- |\n");

    static void Row(StringBuilder text, string function, string[] entryPoints, bool gradient) =>
        text.Append($"| {(function.Length == 0 ? "" : $"`{function}`")} | {string.Join(", ", entryPoints.Select(name => $"`{name}`"))} | {(gradient ? "yes" : "no")} | yes | yes |\n");

    // The overload with the most parameters; what may be left out in brackets.
    static string Signature(string function)
    {
        MethodInfo method = typeof(Functions).GetMethods().Where(method => method.Name == function).MaxBy(method => method.GetParameters().Length)!;
        return $"{function}({string.Join(", ", method.GetParameters().Select(p => p.HasDefaultValue ? $"[{p.Name}]" : p.Name))})";
    }
}

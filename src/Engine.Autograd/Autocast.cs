using System.Diagnostics.CodeAnalysis;
using Engine.Tensors;

namespace Engine.Autograd;

/// <content>Mixed precision: where operations take 16 bits, and where they do not.</content>
public static partial class Tape
{
    [ThreadStatic]
    static Precision precision;

    /// <summary>What this thread's operations compute in: Float32 outside of <see cref="Autocast"/>.</summary>
    public static Precision Precision => precision;

    /// <summary>
    /// Until disposed, the operations of this thread compute in the given precision, whatever model they belong to. With
    /// <see cref="Precision.BFloat16"/> products, convolutions, attention and norms over rows take their operands, weights among
    /// them, in bfloat16; what they return, and what is computed element by element from it, is bfloat16; losses, reductions,
    /// batch normalization and resampling widen it to float32. Gradients of parameters arrive in float32. float64 stays as it is.
    /// Backward needs no scope.
    /// </summary>
    /// <example><code>
    /// using (Tape.Autocast(Precision.BFloat16)) loss = Functions.CrossEntropy(model.Forward(pixels), labels);
    /// loss.Backward();
    /// </code></example>
    public static AutocastScope Autocast(Precision precision) => new(precision);

    /// <summary>Ends what <see cref="Autocast"/> began.</summary>
    public sealed class AutocastScope : IDisposable
    {
        readonly Precision former = precision;
        bool ended;

        internal AutocastScope(Precision chosen) => precision = chosen;

        /// <summary>Goes back to the precision before.</summary>
        public void Dispose()
        {
            if (!ended) precision = former;
            ended = true;
        }
    }

    /// <summary>An operand in the precision of the thread: under bfloat16 that of a float32 or float16 variable.</summary>
    [return: NotNullIfNotNull(nameof(x))]
    internal static Variable? Narrow(Variable? x) =>
        precision == Precision.BFloat16 && x?.Value.DType is DType.Float32 or DType.Float16 ? Cast(x, DType.BFloat16) : x;

    /// <summary>Two operands of an operation that runs in whatever type they have: under bfloat16, where one has 16 bits, both.</summary>
    internal static (Variable A, Variable B) Match(Variable a, Variable b) =>
        a.Value.DType.IsNarrow() || b.Value.DType.IsNarrow() ? (Narrow(a), Narrow(b)) : (a, b);

    /// <summary>As <see cref="Match(Variable, Variable)"/>, for any number.</summary>
    internal static Variable[] Match(ReadOnlySpan<Variable> variables)
    {
        Variable[] matched = variables.ToArray();
        if (Array.Exists(matched, variable => variable.Value.DType.IsNarrow()))
            for (int i = 0; i < matched.Length; i++) matched[i] = Narrow(matched[i]);
        return matched;
    }

    /// <summary>An operand of what 16 bits are not enough for: always float32 then.</summary>
    internal static Variable Widen(Variable x) => x.Value.DType.IsNarrow() ? Cast(x, DType.Float32) : x;

    // The copy that a parameter has already costs nothing. Gradients of several uses add up in float32.
    static Variable Cast(Variable x, DType type)
    {
        Tensor value = x is Parameter { Narrow: { } narrow } && narrow.DType == type ? narrow : x.Value.To(type);
        DType original = x.Value.DType;
        Variable result = Record(value, [x], dy => dy.To(original));
        if (result.Producer is { } node) node.GradientType = DType.Float32;
        return result;
    }
}

using System.Runtime.CompilerServices;
using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Optim;

/// <summary>
/// WiSE-FT (Wortsman et al., CVPR 2022, "Robust fine-tuning of zero-shot models", eq. 1): the weights between the pre-trained and the fine-tuned ones,
/// <code>
/// W(alpha) = (1 - alpha) W0 + alpha W1
/// </code>
/// and what a measurement says along the way, from one run. Adapters (<see cref="Parameter.ZeroAnchor"/>) change the model by a product whose second
/// factor starts at zero: there the change is scaled by alpha, which is that factor alone.
/// </summary>
/// <example><code>
/// WiseFt between = new(model.Parameters);          // before training: keeps W0
/// trainer.Fit();
/// foreach ((double alpha, double accuracy) in between.Curve([0, 0.5, 1], () =&gt; Evaluate(model))) ...
/// </code></example>
public sealed class WiseFt
{
    readonly List<(Parameter Parameter, Tensor Start)> mixed = [];
    readonly Dictionary<Parameter, Tensor> tuned = [];

    /// <summary>Keeps the present values of the trainable parameters as W0; a new head (<see cref="Parameter.IsFresh"/>) keeps its fine-tuned values.</summary>
    public WiseFt(IEnumerable<Parameter> parameters) : this(parameters, null)
    {
    }

    /// <summary>Takes given values as W0.</summary>
    /// <param name="parameters">The model's parameters; those that are not trainable stay as they are.</param>
    /// <param name="start">W0 by name; parameters that are not in it, a new head, keep their fine-tuned values. Null for the present values.</param>
    /// <exception cref="ShapeException">A shape differs.</exception>
    public WiseFt(IEnumerable<Parameter> parameters, IReadOnlyDictionary<string, Tensor>? start)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        using StepScope outside = StepScope.Outside();
        foreach (Parameter parameter in parameters)
        {
            if (!parameter.Trainable) continue;
            bool isNewHead = parameter.IsFresh && !parameter.ZeroAnchor;
            Tensor? from = start is not null ? start.GetValueOrDefault(parameter.Name) : isNewHead ? null : parameter.Value;
            if (from is null) continue;
            if (from.Shape != parameter.Shape) throw new ShapeException($"WiseFt: '{parameter.Name}' is {parameter.Shape}, its pre-trained values are {from.Shape}.");
            bool isZero = parameter.ZeroAnchor && from.To(DType.Float32).ToArray<float>().All(value => value == 0);
            if (!parameter.ZeroAnchor || isZero) mixed.Add((parameter, from.Clone()));
        }
    }

    /// <summary>The weights that <see cref="Mix"/> starts from: the present values, once training is over.</summary>
    public void TakeTuned()
    {
        using StepScope outside = StepScope.Outside();
        tuned.Clear();
        foreach ((Parameter parameter, _) in mixed) tuned[parameter] = parameter.Value.Clone();
    }

    /// <summary>Sets the weights to (1 - alpha) W0 + alpha W1. 1 gives the fine-tuned ones to the bit, 0 the pre-trained ones.</summary>
    public void Mix(double alpha)
    {
        if (!double.IsFinite(alpha)) throw new ArgumentException($"WiseFt: alpha is {alpha}; it must be a number, usually from 0 to 1.");
        if (tuned.Count == 0) TakeTuned();
        foreach ((Parameter parameter, Tensor start) in mixed)
        {
            if (alpha == 1) parameter.Value.CopyFrom(tuned[parameter]);
            else Elementwise.MapInto(new Mixture(alpha), start, tuned[parameter], parameter.Value);
        }
    }

    /// <summary>Measures at each alpha, then sets the fine-tuned weights again.</summary>
    public IReadOnlyList<(double Alpha, T Result)> Curve<T>(IEnumerable<double> alphas, Func<T> measure)
    {
        ArgumentNullException.ThrowIfNull(alphas);
        ArgumentNullException.ThrowIfNull(measure);
        TakeTuned();
        List<(double, T)> curve = [];
        try
        {
            foreach (double alpha in alphas)
            {
                Mix(alpha);
                curve.Add((alpha, measure()));
            }
        }
        finally
        {
            Mix(1);
        }

        return curve;
    }

    /// <summary>(1 - alpha) a + alpha b. Public, as every formula: a GPU compiles it.</summary>
    public readonly struct Mixture(double alpha) : IBinary
    {
        readonly float alpha = (float)alpha, rest = (float)(1 - alpha);

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Apply<T>(T a, T b) where T : struct, ILane<T> => T.Of(rest) * a + T.Of(alpha) * b;
    }
}

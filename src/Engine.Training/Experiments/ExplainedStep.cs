using System.Globalization;
using Engine.Models;

namespace Engine.Training;

/// <summary>
/// One saved step of Adam-SPD for one layer, recomputed in double precision by the paper's formulas, one scalar loop each, beside
/// what the engine found in float32. Also what other methods would have made of the same state.
/// </summary>
public sealed class ExplainedStep
{
    readonly double[] weight, anchor, gradient, first, second, third, candidate;
    readonly float[] after;
    readonly double betaOne, betaTwo, epsilon;
    readonly bool amsGrad;

    /// <summary>Reads a layer of a step.</summary>
    /// <param name="file">What <see cref="StepCapture"/> saved.</param>
    /// <param name="layer">One of <see cref="Layers"/>.</param>
    /// <exception cref="CheckpointException">The file is no step of this kind, or the layer had no gradient in it.</exception>
    public ExplainedStep(SafeTensors file, string layer)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (!file.Metadata.ContainsKey("beta one") || !file.Items.ContainsKey($"trace.{layer}"))
            throw new CheckpointException(file.FilePath, $"was a step of {file.Metadata.GetValueOrDefault("optimizer")}; explain knows steps of Adam-SPD");
        if (!file.Items.ContainsKey($"gradient.{layer}")) throw new CheckpointException(file.FilePath, "had no gradient in this step, so nothing was done to it", layer);
        Layer = layer;
        Shape = $"[{string.Join(", ", file.Items[$"weight.{layer}"].Shape.ToArray())}]";
        Step = long.Parse(file.Metadata["step"], CultureInfo.InvariantCulture);
        (betaOne, betaTwo, epsilon) = (Number(file, "beta one"), Number(file, "beta two"), Number(file, "epsilon"));
        amsGrad = file.Metadata["amsgrad"] == "true";
        (LearningRate, Lambda, Count) = (Number(file, $"learning rate: {layer}"), Number(file, $"lambda: {layer}"), Number(file, $"steps: {layer}"));
        (weight, anchor, gradient) = (Read(file, "weight."), Read(file, "anchor."), Read(file, "gradient."));
        (first, second, third) = (Read(file, "state0."), Read(file, "state1."), amsGrad ? Read(file, "state2.") : []);
        after = file.Read<float>($"after.{layer}").ToArray();
        ReadOnlySpan<float> trace = file.Read<float>($"trace.{layer}");
        Recorded = new(trace[0], trace[1], trace[2], trace[3], trace[4], trace[5]);
        candidate = Candidate(gradient);
        (double before, double moved, double slope, double product) = (Distance(weight), Distance(candidate), Math.Sqrt(gradient.Sum(g => g * g)), 0);
        for (int i = 0; i < weight.Length; i++) product += gradient[i] * (weight[i] - anchor[i]);
        double condition = -product, ratio = condition < 0 ? Ratio(candidate) : 0, scale = Lambda * ratio;
        (Exact, CandidateDeviation) = (new(condition, ratio, Math.Abs(1 - scale) * moved, scale, before, slope), moved);
        double[] result = Pulled(candidate, scale);
        for (int i = 0; i < result.Length; i++) LargestDifference = Math.Max(LargestDifference, Math.Abs(result[i] - after[i]));
        StepLength = Math.Sqrt(candidate.Zip(weight, (u, w) => (u - w) * (u - w)).Sum());
    }

    /// <summary>The layer's name.</summary>
    public string Layer { get; }

    /// <summary>Its shape, as text.</summary>
    public string Shape { get; }

    /// <summary>Which step.</summary>
    public long Step { get; }

    /// <summary>The layer's own count of steps: t of the bias corrections.</summary>
    public double Count { get; }

    /// <summary>The step size.</summary>
    public double LearningRate { get; }

    /// <summary>The projection strength; 0 for a layer without an anchor.</summary>
    public double Lambda { get; }

    /// <summary>The numbers in double precision.</summary>
    public StepNumbers Exact { get; }

    /// <summary>The engine's own.</summary>
    public StepNumbers Recorded { get; }

    /// <summary>|U - W0|, double.</summary>
    public double CandidateDeviation { get; }

    /// <summary>|U - W|: how far Adam alone moves.</summary>
    public double StepLength { get; }

    /// <summary>The largest difference, over the layer's weights, between the engine's result and the double one.</summary>
    public double LargestDifference { get; }

    /// <summary>The layers of a saved step, in the model's order.</summary>
    public static IReadOnlyList<string> Layers(SafeTensors file)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (file.Metadata.GetValueOrDefault("format") != StepCapture.Format) throw new CheckpointException(file.FilePath, $"is not an {StepCapture.Format}; it is of another version, or no saved step");
        const string Prefix = "weight.";
        return [.. file.Items.Values.OrderBy(item => item.ByteOffset).Where(item => item.Name.StartsWith(Prefix, StringComparison.Ordinal)).Select(item => item.Name[Prefix.Length..])];
    }

    /// <summary>What methods would have made of this step, each from the same weights, gradient, moments and anchor.</summary>
    public IReadOnlyList<Counterfactual> Counterfactuals()
    {
        double ratio = Ratio(candidate);
        bool selected = Exact.Condition < 0;
        const double Decay = 0.1, Penalty = 0.1, Strength = 0.01;
        return
        [
            Of("as it was", FormattableString.Invariant($"Adam-SPD, lambda {Lambda:0.###}"), Pulled(candidate, Exact.Scale)),
            Of("Adam", "W = U", candidate),
            Of("AdamW", FormattableString.Invariant($"W = U - lr {Decay} W"), Map(i => candidate[i] - LearningRate * Decay * weight[i])),
            Of("AdamW, cautious", FormattableString.Invariant($"the same, where U - W and -W agree in sign"), Map(i => candidate[i] - ((weight[i] - candidate[i]) * weight[i] > 0 ? LearningRate * Decay * weight[i] : 0))),
            Of("L2-SP", FormattableString.Invariant($"Adam on g + {Penalty} (W - W0)"), Candidate(Map(i => gradient[i] + Penalty * (weight[i] - anchor[i])))),
            Of("L2-SP, decoupled", FormattableString.Invariant($"W = U - {Strength} (U - W0)"), Pulled(candidate, Strength)),
            .. ((double[])[0.5, 1, 2]).Select(lambda => Of("Adam-SPD", FormattableString.Invariant($"lambda {lambda}"), Pulled(candidate, selected ? lambda * ratio : 0))),
            Of("always project", "lambda 1, whatever c", Pulled(candidate, ratio)),
            Of("inverted condition", "lambda 1, where c > 0", Pulled(candidate, Exact.Condition > 0 ? ratio : 0)),
        ];
    }

    Counterfactual Of(string method, string formula, double[] result)
    {
        double along = 0, length = 0;
        for (int i = 0; i < result.Length; i++)
        {
            double step = result[i] - weight[i];
            along -= gradient[i] * step;
            length += step * step;
        }

        return new(method, formula, Distance(result), Distance(result) - Exact.DeviationBefore, Math.Sqrt(length), along);
    }

    // Adam's step on a gradient, from the moments before it.
    double[] Candidate(double[] g)
    {
        double[] result = new double[g.Length];
        double rate = LearningRate / (1 - Math.Pow(betaOne, Count)), correction = Math.Sqrt(1 - Math.Pow(betaTwo, Count));
        for (int i = 0; i < g.Length; i++)
        {
            double m = betaOne * first[i] + (1 - betaOne) * g[i], v = betaTwo * second[i] + (1 - betaTwo) * g[i] * g[i];
            double largest = amsGrad ? Math.Max(third[i], v) : v;
            result[i] = weight[i] - rate * m / (Math.Sqrt(largest) / correction + epsilon);
        }

        return result;
    }

    double Ratio(double[] u) => Distance(u) is var moved && moved > 0 ? Math.Clamp((moved - Distance(weight)) / moved, 0, 1) : 0;

    double[] Pulled(double[] u, double scale) => Map(i => u[i] - scale * (u[i] - anchor[i]));

    double[] Map(Func<int, double> value) => [.. Enumerable.Range(0, weight.Length).Select(value)];

    double Distance(double[] w)
    {
        double sum = 0;
        for (int i = 0; i < w.Length; i++) sum += (w[i] - anchor[i]) * (w[i] - anchor[i]);
        return Math.Sqrt(sum);
    }

    double[] Read(SafeTensors file, string prefix) => Array.ConvertAll(file.Read<float>(prefix + Layer).ToArray(), value => (double)value);

    static double Number(SafeTensors file, string name) => double.Parse(file.Metadata[name], CultureInfo.InvariantCulture);
}

/// <summary>What selective projection computes of a layer in a step.</summary>
/// <param name="Condition">c, eq. 3.</param><param name="Ratio">r, eq. 9, where c &lt; 0.</param><param name="Deviation">|W - W0| after the step.</param>
/// <param name="Scale">lambda r.</param><param name="DeviationBefore">|W - W0| before the step.</param><param name="GradientNorm">|g|.</param>
public readonly record struct StepNumbers(double Condition, double Ratio, double Deviation, double Scale, double DeviationBefore, double GradientNorm)
{
    /// <summary>The cosine between gradient and deviation.</summary>
    public double Cosine => GradientNorm > 0 && DeviationBefore > 0 ? -Condition / (GradientNorm * DeviationBefore) : double.NaN;
}

/// <summary>What a method would have done.</summary>
/// <param name="Method">Its name.</param><param name="Formula">What it does.</param><param name="Deviation">|W - W0| after it.</param>
/// <param name="Change">How much that is more than before the step.</param><param name="StepLength">How far it moves.</param>
/// <param name="Descent">-g (W' - W): by how much the loss falls, to first order.</param>
public readonly record struct Counterfactual(string Method, string Formula, double Deviation, double Change, double StepLength, double Descent);

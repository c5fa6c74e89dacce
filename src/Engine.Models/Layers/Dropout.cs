using Engine.Autograd;

namespace Engine.Models;

/// <summary>While training, sets each element to 0 with a probability and scales the others up (Srivastava et al. 2014).</summary>
/// <param name="at">The place; no parameters.</param>
/// <param name="probability">From 0, which does nothing, to below 1.</param>
public sealed class Dropout(ModuleScope at, float probability) : Module(at)
{
    readonly float probability = Probability.Check(probability, at);

    /// <summary>Any shape to the same.</summary>
    public Variable Forward(Variable x) => IsTraining && probability > 0 ? Functions.Dropout(x, probability, Random.Next()) : x;
}

/// <summary>While training, leaves a residual branch out with a probability, sample by sample: stochastic depth (Huang et al. 2016).</summary>
/// <param name="at">The place; no parameters.</param>
/// <param name="probability">From 0, which does nothing, to below 1.</param>
public sealed class DropPath(ModuleScope at, float probability) : Module(at)
{
    readonly float probability = Probability.Check(probability, at);

    /// <summary>[B, ...] to the same shape.</summary>
    public Variable Forward(Variable x) => IsTraining && probability > 0 ? Functions.DropPath(x, probability, Random.Next()) : x;

    /// <summary>The usual rise of the probability with depth: 0 in the first block, the full value in the last.</summary>
    public static float AtDepth(float probability, int block, int depth) => depth > 1 ? probability * block / (depth - 1) : probability;
}

static class Probability
{
    public static float Check(float probability, ModuleScope at) => probability is >= 0 and < 1 ? probability
        : throw new ArgumentOutOfRangeException(nameof(probability), $"{at.Path}: the probability to drop is {probability}, not from 0 to below 1.");
}

using Engine.Autograd;
using Engine.Models;
using Engine.Tensors;

namespace Engine.Training;

/// <summary>A copy of a model's weights: to start several runs from the same place, and to measure how far one went.</summary>
public sealed class WeightSnapshot
{
    readonly Dictionary<string, Tensor> weights = [];

    /// <summary>Copies the present weights.</summary>
    public WeightSnapshot(Module model)
    {
        ArgumentNullException.ThrowIfNull(model);
        using StepScope outside = StepScope.Outside();
        foreach (Parameter parameter in model.Parameters) weights[parameter.Name] = parameter.Value.Clone();
    }

    /// <summary>Puts the weights back. They count as loaded: an optimizer made afterwards anchors to them.</summary>
    public void Restore(Module model)
    {
        ArgumentNullException.ThrowIfNull(model);
        foreach (Parameter parameter in model.Parameters) parameter.Load(weights[parameter.Name]);
    }

    /// <summary>|W - W0| over all parameters, in double precision from the layers' sums.</summary>
    public double DistanceTo(Module model)
    {
        ArgumentNullException.ThrowIfNull(model);
        using StepScope scope = StepScope.Begin();
        double sum = 0;
        foreach (Parameter parameter in model.Parameters)
            sum += Reduction.Reduce(new SumOfSquares(), Elementwise.Map(new Subtract(), parameter.Value, weights[parameter.Name])).Item();
        return Math.Sqrt(sum);
    }
}

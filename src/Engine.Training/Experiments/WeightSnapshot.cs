using Engine.Autograd;
using Engine.Models;
using Engine.Tensors;

namespace Engine.Training;

/// <summary>A copy of a model's weights: to start several runs from the same place, and to measure how far one went.</summary>
public sealed class WeightSnapshot
{
    readonly Dictionary<string, Tensor> weights = [];

    /// <summary>Copies the present weights.</summary>
    /// <param name="model">The model.</param>
    /// <param name="trainableOnly">Leave out what is frozen, which stays as it is.</param>
    public WeightSnapshot(Module model, bool trainableOnly = false)
    {
        ArgumentNullException.ThrowIfNull(model);
        using StepScope outside = StepScope.Outside();
        foreach (Parameter parameter in model.Parameters)
            if (parameter.Trainable || !trainableOnly) weights[parameter.Name] = parameter.Value.Clone();
    }

    /// <summary>Puts the weights back. They count as loaded: an optimizer made afterwards anchors to them.</summary>
    public void Restore(Module model)
    {
        foreach (Parameter parameter in Of(model)) parameter.Load(weights[parameter.Name]);
    }

    /// <summary>|W - W0| over the parameters that were copied, in double precision from the layers' sums.</summary>
    public double DistanceTo(Module model)
    {
        using StepScope scope = StepScope.Begin();
        double sum = 0;
        foreach (Parameter parameter in Of(model))
            sum += Reduction.Reduce(new SumOfSquares(), Elementwise.Map(new Subtract(), parameter.Value, weights[parameter.Name])).Item();
        return Math.Sqrt(sum);
    }

    IEnumerable<Parameter> Of(Module model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model.Parameters.Where(parameter => weights.ContainsKey(parameter.Name));
    }
}

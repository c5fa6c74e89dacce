using Engine.Autograd;

namespace Engine.Optim;

/// <summary>Parameters that share settings: no decay for norms, a lower rate for early blocks, another lambda per module.</summary>
/// <param name="name">What messages call the group.</param>
/// <param name="parameters">Its parameters; those that are not trainable are left out of the arena.</param>
public sealed class ParameterGroup(string name, IEnumerable<Parameter> parameters)
{
    /// <summary>What messages call the group.</summary>
    public string Name { get; } = name;

    /// <summary>Its parameters.</summary>
    public IReadOnlyList<Parameter> Parameters { get; } = [.. parameters];

    /// <summary>What the optimizer's learning rate is multiplied with. May change between steps.</summary>
    public double LearningRateScale { get; set; } = 1;

    /// <summary>The group's weight decay in the place of the optimizer's, or null. May change between steps.</summary>
    public double? WeightDecay { get; set; }

    /// <summary>The group's projection strength in the place of the optimizer's lambda, or null. May change between steps.</summary>
    public double? Lambda { get; set; }
}

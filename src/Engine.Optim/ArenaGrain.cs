namespace Engine.Optim;

/// <summary>What a method measures and scales as one; see <see cref="Engine.Tensors.ArenaRows"/>.</summary>
public enum ArenaGrain
{
    /// <summary>It measures nothing beyond its rule.</summary>
    None,

    /// <summary>A whole tensor.</summary>
    Tensor,

    /// <summary>A slice along the first axis: an output neuron, a filter. A tensor of at most one axis is one row.</summary>
    Row,
}

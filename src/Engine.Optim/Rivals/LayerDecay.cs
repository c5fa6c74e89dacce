using Engine.Autograd;

namespace Engine.Optim;

/// <summary>
/// Layer-wise learning rate decay (ELECTRA, Clark et al. 2020; BEiT, Bao et al. 2022; timm's <c>param_groups_layer_decay</c>): the rate of layer i of L + 1 is
/// <code>
/// lr max(decay^(L + 1 - i), minimum)
/// </code>
/// with embeddings as layer 0, block b as layer b + 1, and what follows the last block as layer L + 1.
/// </summary>
/// <example><code>
/// ParameterArena arena = new(LayerDecay.Groups(model.Parameters, decay: 0.75));
/// AdamW optimizer = new(arena, new() { LearningRate = 1e-3 });
/// </code></example>
public static class LayerDecay
{
    /// <summary>The groups of an arena, one a layer, the deepest last.</summary>
    /// <param name="parameters">The model's parameters, in its order.</param>
    /// <param name="decay">The factor from a layer to the one before it, above 0 and at most 1; timm's default is 0.75.</param>
    /// <param name="minimum">The least factor.</param>
    /// <exception cref="ArgumentException">A number is out of its range.</exception>
    public static IReadOnlyList<ParameterGroup> Groups(IEnumerable<Parameter> parameters, double decay = 0.75, double minimum = 0)
    {
        Parameter[] all = [.. parameters];
        ParameterDepth depth = new(all);
        double[] scales = Scales(depth.Last - 1, decay, minimum);
        return
        [
            .. all.GroupBy(parameter => depth.Of(parameter.Name)).OrderBy(layer => layer.Key)
                .Select(layer => new ParameterGroup($"layer {layer.Key}", layer) { LearningRateScale = scales[layer.Key] }),
        ];
    }

    /// <summary>The factors of the layers 0 to blocks + 1.</summary>
    /// <exception cref="ArgumentException">A number is out of its range.</exception>
    public static double[] Scales(int blocks, double decay, double minimum = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(blocks);
        if (decay is not (> 0 and <= 1)) throw new ArgumentException($"LayerDecay: decay is {decay}; it must be above 0 and at most 1.");
        if (minimum is not (>= 0 and <= 1)) throw new ArgumentException($"LayerDecay: minimum is {minimum}; it must be 0 to 1.");
        return [.. Enumerable.Range(0, blocks + 2).Select(layer => Math.Max(Math.Pow(decay, blocks + 1 - layer), minimum))];
    }
}

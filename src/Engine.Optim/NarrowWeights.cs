using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Optim;

/// <summary>
/// The 16-bit copies of a model's weights that operations under <see cref="Tape.Autocast"/> read. Those of the arena lie in one
/// buffer as the weights do, so that a step rounds them all in one launch; those of frozen parameters are made once. Until it is
/// disposed, whoever changes weights calls <see cref="Refresh"/> before the next forward pass.
/// </summary>
public sealed class NarrowWeights : IDisposable
{
    readonly ParameterArena arena;
    readonly Tensor buffer;
    readonly List<(Parameter Parameter, Tensor Copy)> frozen = [];

    /// <summary>Copies of the arena's weights and of a model's frozen ones; buffers and what has 16 bits already need none.</summary>
    /// <param name="arena">What is trained.</param>
    /// <param name="parameters">All parameters of the model.</param>
    public NarrowWeights(ParameterArena arena, IEnumerable<Parameter> parameters)
    {
        ArgumentNullException.ThrowIfNull(arena);
        ArgumentNullException.ThrowIfNull(parameters);
        this.arena = arena;
        using StepScope outside = StepScope.Outside();
        buffer = Tensor.Empty([arena.Length], DType.BFloat16, arena.Device);
        HashSet<Parameter> trained = [];
        foreach (ArenaSegment segment in arena.Segments)
        {
            trained.Add(segment.Parameter);
            segment.Parameter.BindNarrow(arena.View(buffer, segment));
        }

        foreach (Parameter parameter in parameters)
        {
            if (parameter.IsBuffer || parameter.Value.DType == DType.BFloat16 || trained.Contains(parameter)) continue;
            frozen.Add((parameter, parameter.Value.To(DType.BFloat16)));
            parameter.BindNarrow(frozen[^1].Copy);
        }

        Refresh();
    }

    /// <summary>Rounds the arena's weights anew.</summary>
    public void Refresh() => buffer.CopyFrom(arena.Weights);

    /// <summary>Forgets the copies; weights are rounded where they are used from then on.</summary>
    public void Dispose()
    {
        foreach (ArenaSegment segment in arena.Segments) segment.Parameter.BindNarrow(null);
        foreach ((Parameter parameter, Tensor copy) in frozen)
        {
            parameter.BindNarrow(null);
            copy.Release();
        }

        buffer.Release();
    }
}

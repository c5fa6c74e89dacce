using Engine.Autograd;
using Engine.Models;
using Engine.Tensors;

namespace Engine.Training;

/// <summary>
/// What the forward passes of a step change before its update: the position of the random numbers, and buffers such as the
/// running statistics of batch normalization. A step that is broken off between two batches goes back to it, to be done again.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="batches">Batches a step; a step of one is never broken off, so its buffers are not kept.</param>
sealed class StepStart(Module model, int batches)
{
    readonly (Tensor Buffer, Tensor Kept)[] buffers = batches == 1 ? [] : [.. model.Parameters.Where(parameter => parameter.IsBuffer).Select(Kept)];
    ulong random;

    /// <summary>A step begins.</summary>
    public void Mark()
    {
        random = model.Random.Position;
        foreach ((Tensor buffer, Tensor kept) in buffers) kept.CopyFrom(buffer);
    }

    /// <summary>The step is broken off.</summary>
    public void Restore()
    {
        model.Random.Position = random;
        foreach ((Tensor buffer, Tensor kept) in buffers) buffer.CopyFrom(kept);
    }

    static (Tensor, Tensor) Kept(Parameter parameter)
    {
        using StepScope outside = StepScope.Outside();
        return (parameter.Value, parameter.Value.Clone());
    }
}

using Engine.Tensors;

namespace Engine.Models;

/// <summary>The cosines and sines of a model's positions, computed once for each device and element type, and grown as longer sequences come.</summary>
sealed class RotaryTables(LlamaConfig config)
{
    const int LeastCount = 64;

    readonly Dictionary<(Device, DType), (Tensor Cosine, Tensor Sine)> tables = [];
    readonly Lock growing = new();

    /// <summary>Those of some positions.</summary>
    /// <param name="start">The first.</param>
    /// <param name="count">How many.</param>
    /// <param name="like">What is to be rotated.</param>
    /// <returns>Each [count, D / 2], views of the tables.</returns>
    public (Tensor Cosine, Tensor Sine) Of(int start, int count, Tensor like)
    {
        lock (growing)
        {
            if (!tables.TryGetValue((like.Device, like.DType), out var table) || table.Cosine.Shape[0] < start + count)
            {
                // What was there may be in a graph that waits for backward: the garbage collector finds it.
                using StepScope outside = StepScope.Outside();
                int longer = (int)Math.Max(LeastCount, System.Numerics.BitOperations.RoundUpToPowerOf2((uint)(start + count)));
                tables[(like.Device, like.DType)] = table =
                    Rotary.Tables(config.RotaryBase, config.HeadSize, 0, longer, config.RotaryScaling, like.DType, like.Device);
            }

            return (table.Cosine.Slice(0, start, start + count), table.Sine.Slice(0, start, start + count));
        }
    }
}

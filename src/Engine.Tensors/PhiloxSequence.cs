namespace Engine.Tensors;

/// <summary>
/// Reads a <see cref="Philox"/> stream in order, for code that draws a varying number of values: one sample's
/// augmentation, one drawn scene. A mutable struct: pass it by <c>ref</c>.
/// </summary>
/// <param name="source">The stream that is read.</param>
/// <param name="start">The counter of the first block.</param>
public struct PhiloxSequence(Philox source, ulong start = 0)
{
    readonly Philox source = source;
    ulong counter = start;
    PhiloxBlock block;
    int lane = 4;

    /// <summary>The next 32 random bits.</summary>
    public uint NextBits()
    {
        if (lane == 4)
        {
            block = source.At(counter++);
            lane = 0;
        }
        return block[lane++];
    }

    /// <summary>Uniform over [0, 1).</summary>
    public float Uniform() => Philox.ToUniform(NextBits());

    /// <summary>Uniform over [low, high).</summary>
    public float Uniform(float low, float high) => low + (high - low) * Uniform();

    /// <summary>An integer of [0, bound); its bias is below bound / 2^32.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The bound is not positive.</exception>
    public int Below(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        return (int)((ulong)NextBits() * (ulong)bound >> 32);
    }

    /// <summary>True with the given probability.</summary>
    public bool Chance(float probability) => Uniform() < probability;

    /// <summary>A standard normal value; takes two words.</summary>
    public float Normal() => Philox.ToNormals(NextBits(), NextBits()).First;
}

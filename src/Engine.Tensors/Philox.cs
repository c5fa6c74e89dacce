using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>
/// Counter-based random numbers: Philox-4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy
/// as 1, 2, 3"). A block is a pure function of (seed, stream, counter), so a value does not depend on the thread that
/// asks for it, nor on what was asked before, and any place of a sequence is reached without walking to it.
/// </summary>
/// <remarks>
/// The key is the seed; the 128-bit counter of the paper is the counter (low 64 bits) and the stream (high 64 bits).
/// Two streams of one seed never share a block.
/// </remarks>
/// <param name="seed">The key, shared by everything that one run draws.</param>
/// <param name="stream">Which independent sequence of that seed.</param>
public readonly struct Philox(ulong seed, ulong stream = 0)
{
    // Multipliers and Weyl increments of the published generator (section 3.2 of the paper).
    const uint MultiplierA = 0xD2511F53;
    const uint MultiplierB = 0xCD9E8D57;
    const uint WeylA = 0x9E3779B9;
    const uint WeylB = 0xBB67AE85;
    const int Rounds = 10;

    /// <summary>2^-24: a float has 24 bits of mantissa, so 24 random bits are spaced evenly over [0, 1).</summary>
    const float UnitOf24Bits = 1f / (1 << 24);

    /// <summary>The key.</summary>
    public ulong Seed => seed;

    /// <summary>The sequence.</summary>
    public ulong Stream => stream;

    /// <summary>The 128 random bits at a counter.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public PhiloxBlock At(ulong counter) => Bijection(
        new PhiloxBlock((uint)counter, (uint)(counter >> 32), (uint)stream, (uint)(stream >> 32)),
        (uint)seed, (uint)(seed >> 32));

    /// <summary>The bare Philox-4x32-10 bijection of a 128-bit counter under a 64-bit key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PhiloxBlock Bijection(PhiloxBlock counter, uint keyLow, uint keyHigh)
    {
        uint x = counter.X, y = counter.Y, z = counter.Z, w = counter.W;
        for (int round = 0; round < Rounds; round++)
        {
            ulong a = (ulong)MultiplierA * x;
            ulong b = (ulong)MultiplierB * z;
            x = (uint)(b >> 32) ^ y ^ keyLow;
            y = (uint)b;
            z = (uint)(a >> 32) ^ w ^ keyHigh;
            w = (uint)a;
            keyLow += WeylA;
            keyHigh += WeylB;
        }
        return new PhiloxBlock(x, y, z, w);
    }

    /// <summary>The top 24 bits as a float of [0, 1); every value is a multiple of 2^-24.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ToUniform(uint bits) => (int)(bits >> 8) * UnitOf24Bits;     // from unsigned, a GPU would go through a double

    /// <summary>Two independent standard normal values from two words (Box and Muller 1958).</summary>
    /// <remarks>The first word is read as (0, 1], so that the logarithm is finite; |value| is at most 5.77.</remarks>
    public static (float First, float Second) ToNormals(uint first, uint second)
    {
        float radius = MathF.Sqrt(-2f * MathF.Log((int)((first >> 8) + 1) * UnitOf24Bits));
        var (sin, cos) = MathF.SinCos(2f * MathF.PI * ToUniform(second));
        return (radius * cos, radius * sin);
    }

    /// <summary>The uniform value of [0, 1) at a place of the sequence: word <c>index % 4</c> of block <c>index / 4</c>.</summary>
    public float Uniform(ulong index) => ToUniform(At(index >> 2)[(int)(index & 3)]);

    /// <summary>The standard normal value at a place of the sequence; places 2k and 2k + 1 share two words.</summary>
    public float Normal(ulong index)
    {
        var block = At(index >> 2);
        var (first, second) = (index & 2) == 0 ? ToNormals(block.X, block.Y) : ToNormals(block.Z, block.W);
        return (index & 1) == 0 ? first : second;
    }

    /// <summary>An integer of [0, bound) at a place of the sequence; its bias is below bound / 2^64.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The bound is not positive.</exception>
    public int Below(ulong index, int bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        var block = At(index);
        return (int)Math.BigMul((ulong)block.X << 32 | block.Y, (ulong)bound, out _);
    }

    /// <summary>Fills with uniform values of [0, 1), those of places 0, 1, 2, ...</summary>
    public void FillUniform(Span<float> values)
    {
        for (int i = 0; i < values.Length; i += 4)
        {
            var block = At((ulong)i >> 2);
            int count = Math.Min(4, values.Length - i);
            for (int lane = 0; lane < count; lane++)
                values[i + lane] = ToUniform(block[lane]);
        }
    }

    /// <summary>Fills with standard normal values, those of places 0, 1, 2, ...</summary>
    public void FillNormal(Span<float> values)
    {
        for (int i = 0; i < values.Length; i += 2)
        {
            var block = At((ulong)i >> 2);
            var (first, second) = (i & 2) == 0 ? ToNormals(block.X, block.Y) : ToNormals(block.Z, block.W);
            values[i] = first;
            if (i + 1 < values.Length)
                values[i + 1] = second;
        }
    }

    /// <summary>A permutation of 0 .. count - 1, every one equally likely (Fisher and Yates, from the end).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative.</exception>
    public int[] Permutation(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        var order = new int[count];
        for (int i = 0; i < count; i++)
            order[i] = i;
        for (int i = count - 1; i > 0; i--)
        {
            int j = Below((ulong)i, i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }
        return order;
    }
}

/// <summary>128 random bits as four words.</summary>
public readonly record struct PhiloxBlock(uint X, uint Y, uint Z, uint W)
{
    /// <summary>Word 0 .. 3.</summary>
    public uint this[int lane] => lane switch { 0 => X, 1 => Y, 2 => Z, _ => W };
}

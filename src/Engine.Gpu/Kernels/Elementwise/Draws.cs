using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>Arguments of <see cref="Draws"/>.</summary>
struct DrawArguments<TWord> where TWord : unmanaged
{
    public ulong Seed, Stream, Offset;
    public ArrayView<TWord> Y;
    public int Count;
}

/// <summary>What is made of two words of a Philox block.</summary>
interface IDraw
{
    static abstract float First(uint first, uint second);

    static abstract float Second(uint first, uint second);
}

readonly struct UniformDraw : IDraw
{
    public static float First(uint first, uint second) => Philox.ToUniform(first);

    public static float Second(uint first, uint second) => Philox.ToUniform(second);
}

/// <summary>Box and Muller, as <see cref="Philox.ToNormals"/>; sine and cosine apart, since no device compiles the pair.</summary>
readonly struct NormalDraw : IDraw
{
    public static float First(uint first, uint second) => Radius(first) * MathF.Cos(Angle(second));

    public static float Second(uint first, uint second) => Radius(first) * MathF.Sin(Angle(second));

    static float Radius(uint word) => MathF.Sqrt(-2f * MathF.Log((int)((word >> 8) + 1) * (1f / (1 << 24))));

    static float Angle(uint word) => 2f * MathF.PI * Philox.ToUniform(word);
}

/// <summary>Random numbers, the same sequence as on the CPU. A thread makes the four values of a block.</summary>
static class Draws
{
    public static void Fill<TDraw, TElement, TWord, TLane>(DrawArguments<TWord> a)
        where TDraw : struct, IDraw
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int block = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX, i = 4 * block;
        if (i >= a.Count) return;
        ulong counter = a.Offset + (ulong)block;
        PhiloxBlock bits = Philox.Bijection(
            new((uint)counter, (uint)(counter >> 32), (uint)a.Stream, (uint)(a.Stream >> 32)), (uint)a.Seed, (uint)(a.Seed >> 32));
        a.Y[i] = TElement.Store(TLane.Of(TDraw.First(bits.X, bits.Y)));
        if (i + 1 < a.Count) a.Y[i + 1] = TElement.Store(TLane.Of(TDraw.Second(bits.X, bits.Y)));
        if (i + 2 < a.Count) a.Y[i + 2] = TElement.Store(TLane.Of(TDraw.First(bits.Z, bits.W)));
        if (i + 3 < a.Count) a.Y[i + 3] = TElement.Store(TLane.Of(TDraw.Second(bits.Z, bits.W)));
    }
}

using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>What is made of the four words of a Philox block.</summary>
unsafe interface IDistribution
{
    static abstract void Apply(PhiloxBlock bits, float* values);
}

unsafe struct UniformDistribution : IDistribution
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply(PhiloxBlock bits, float* values)
    {
        values[0] = Philox.ToUniform(bits.X);
        values[1] = Philox.ToUniform(bits.Y);
        values[2] = Philox.ToUniform(bits.Z);
        values[3] = Philox.ToUniform(bits.W);
    }
}

unsafe struct NormalDistribution : IDistribution
{
    public static void Apply(PhiloxBlock bits, float* values)
    {
        (values[0], values[1]) = Philox.ToNormals(bits.X, bits.Y);
        (values[2], values[3]) = Philox.ToNormals(bits.Z, bits.W);
    }
}

/// <summary>Dense random values: element i is made of word i % 4 of Philox block offset + i / 4, on any thread.</summary>
static unsafe class Draw
{
    // Elements a thread takes at once; a multiple of four.
    const int Grain = 16384;

    public static void Fill<TDistribution>(Philox random, ulong offset, Tensor y) where TDistribution : struct, IDistribution
    {
        long count = y.ElementCount;
        int items = checked((int)((count + Grain - 1) / Grain));
        if (y.DType == DType.Float32)
        {
            float* py = CpuBackend.Pointer<float>(y);
            For(items, item => Stretch<TDistribution>(random, offset, (long)item * Grain, py + (long)item * Grain, (int)Math.Min(Grain, count - (long)item * Grain)));
        }
        else if (y.DType == DType.Float64)
        {
            double* py = CpuBackend.Pointer<double>(y);
            For(items, item =>
            {
                float[] values = new float[Grain];
                int length = (int)Math.Min(Grain, count - (long)item * Grain);
                fixed (float* drawn = values) Stretch<TDistribution>(random, offset, (long)item * Grain, drawn, length);
                for (int i = 0; i < length; i++) py[(long)item * Grain + i] = values[i];
            });
        }
        else
        {
            throw new ShapeException($"Random numbers are Float32 or Float64, not {y.DType}; convert with To(DType).");
        }
    }

    static void For(int items, Action<int> body)
    {
        if (items == 1) body(0);
        else ThreadTeam.For(items, body);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Stretch<TDistribution>(Philox random, ulong offset, long first, float* y, int count) where TDistribution : struct, IDistribution
    {
        ulong block = offset + (ulong)first / 4;
        int i = 0;
        for (; i <= count - 4; i += 4) TDistribution.Apply(random.At(block++), y + i);
        if (i == count) return;
        float* last = stackalloc float[4];
        TDistribution.Apply(random.At(block), last);
        for (int lane = 0; i + lane < count; lane++) y[i + lane] = last[lane];
    }
}

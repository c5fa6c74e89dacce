using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Engine.Tensors;

/// <summary>What the processor can do at most (Williams et al. 2009): float32 multiply-adds between registers, and memory traffic.</summary>
/// <param name="FlopsPerSecond">A multiply-add counts two.</param>
/// <param name="BytesPerSecond">Of the triad a = b + s c (McCalpin's STREAM).</param>
public readonly record struct MachineRoofline(double FlopsPerSecond, double BytesPerSecond)
{
    const int Steps = 200_000, Accumulators = 12;

    // 64 MB an array: beyond every cache.
    const int TriadLength = 16 << 20, TriadPieces = 16;

    static float sink;

    /// <summary>Measures both on so many threads of <see cref="ThreadTeam"/>; takes about half a second and 192 MB. The best of some rounds counts.</summary>
    public static MachineRoofline Measure(int threads)
    {
        int before = ThreadTeam.Threads;
        ThreadTeam.Threads = threads;
        try
        {
            double flops = FlopsOf(threads) / Best(15, () => MultiplyAdds(threads));
            return new(flops, MeasureTriad());
        }
        finally
        {
            ThreadTeam.Threads = before;
        }
    }

    /// <summary>Multiply-adds between registers on every thread; <see cref="FlopsOf"/> says how many operations that is.</summary>
    internal static void MultiplyAdds(int threads) => ThreadTeam.For(threads, _ => sink = Spin());

    internal static double FlopsOf(int threads) => 2.0 * Steps * Accumulators * Width * threads;

    static int Width => Vector512.IsHardwareAccelerated ? 16 : Vector256.IsHardwareAccelerated ? 8 : 4;

    static float Spin() =>
        Vector512.IsHardwareAccelerated ? Spin<Lane512<float>>() : Vector256.IsHardwareAccelerated ? Spin<Lane256<float>>() : Spin<Lane128<float>>();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static float Spin<TLane>() where TLane : struct, IVectorLane<TLane, float>
    {
        TLane x = TLane.Broadcast(0.999f), y = TLane.Broadcast(0.001f);
        TLane a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
        for (int step = 0; step < Steps; step++)
        {
            a = TLane.MulAdd(a, x, y);
            b = TLane.MulAdd(b, x, y);
            c = TLane.MulAdd(c, x, y);
            d = TLane.MulAdd(d, x, y);
            e = TLane.MulAdd(e, x, y);
            f = TLane.MulAdd(f, x, y);
            g = TLane.MulAdd(g, x, y);
            h = TLane.MulAdd(h, x, y);
            i = TLane.MulAdd(i, x, y);
            j = TLane.MulAdd(j, x, y);
            k = TLane.MulAdd(k, x, y);
            l = TLane.MulAdd(l, x, y);
        }

        return TLane.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }

    static unsafe double MeasureTriad()
    {
        float* a = (float*)NativeMemory.AlignedAlloc(3 * (nuint)TriadLength * sizeof(float), 4096);
        new Span<float>(a, 3 * TriadLength).Fill(1);
        double seconds = Best(11, () => ThreadTeam.For(TriadPieces, piece => Triad(a + piece * (TriadLength / TriadPieces), TriadLength / TriadPieces)));
        NativeMemory.AlignedFree(a);
        return 3.0 * TriadLength * sizeof(float) / seconds;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static unsafe void Triad(float* a, int count)
    {
        float* b = a + TriadLength, c = b + TriadLength;
        Vector256<float> s = Vector256.Create(0.5f);
        for (int i = 0; i < count; i += 8) (Vector256.Load(b + i) + s * Vector256.Load(c + i)).Store(a + i);
    }

    static double Best(int rounds, Action work)
    {
        double best = double.MaxValue;
        for (int round = 0; round < rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            work();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }
}

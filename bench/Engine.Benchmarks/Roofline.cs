using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Engine.Tensors;

namespace Engine.Benchmarks;

/// <summary>What this machine can do at most: multiply-adds from registers, and memory traffic.</summary>
static unsafe class Roofline
{
    const int Steps = 200_000, Accumulators = 12;

    static float sink;

    /// <summary>GFLOP/s of multiply-adds between registers, on the given number of threads.</summary>
    public static double PeakGflops(int threads, int rounds = 15) => WithThreads(threads, () =>
    {
        double seconds = Interleaved.Measure([() => MultiplyAdds(threads)], rounds)[0].BestSeconds;
        return FlopsOf(threads) / seconds / 1e9;
    });

    /// <summary>Multiply-adds between registers on every thread; <see cref="FlopsOf"/> says how many operations that is.</summary>
    public static void MultiplyAdds(int threads) => ThreadTeam.For(threads, _ => sink = Spin());

    public static double FlopsOf(int threads) => 2.0 * Steps * Accumulators * Width * threads;

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

    /// <summary>GB/s of the triad a = b + s c (McCalpin's STREAM), 64 MB an array.</summary>
    public static double TriadGigabytes(int threads, int rounds = 11) => WithThreads(threads, () =>
    {
        const int Length = 16 << 20, Pieces = 16;
        float* a = (float*)NativeMemory.AlignedAlloc(3 * (nuint)Length * sizeof(float), 4096);
        new Span<float>(a, Length).Fill(1);
        new Span<float>(a + Length, Length).Fill(2);
        new Span<float>(a + 2 * Length, Length).Fill(3);
        double seconds = Interleaved.Measure([() => ThreadTeam.For(Pieces, piece => Triad(a + piece * (Length / Pieces), Length / Pieces, Length))], rounds)[0].BestSeconds;
        NativeMemory.AlignedFree(a);
        return 3.0 * Length * sizeof(float) / seconds / 1e9;
    });

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Triad(float* a, int count, int distance)
    {
        float* b = a + distance, c = b + distance;
        Vector256<float> s = Vector256.Create(0.5f);
        for (int i = 0; i < count; i += 8) (Vector256.Load(b + i) + s * Vector256.Load(c + i)).Store(a + i);
    }

    /// <summary>Reads 256 MB, more than any cache holds, and nothing else: what bounds a product with one row.</summary>
    /// <param name="threads">How many threads share it.</param>
    /// <param name="bytes">What one call reads.</param>
    public static Action Reader(int threads, out long bytes)
    {
        const int Length = 64 << 20, Pieces = 64;
        bytes = (long)Length * sizeof(float);
        Tensor memory = Tensor.Ones([Length]);
        return () => WithThreads(threads, () =>
        {
            fixed (float* start = memory.AsSpan<float>())
            {
                float* first = start;
                ThreadTeam.For(Pieces, piece => sink = Read(first + piece * (Length / Pieces), Length / Pieces));
            }

            return 0;
        });
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static float Read(float* a, int count)
    {
        Vector256<float> s = default, t = default, u = default, v = default;
        for (int i = 0; i < count; i += 32)
        {
            s += Vector256.Load(a + i);
            t += Vector256.Load(a + i + 8);
            u += Vector256.Load(a + i + 16);
            v += Vector256.Load(a + i + 24);
        }

        return Vector256.Sum(s + t + u + v);
    }

    public static void Print()
    {
        foreach (int threads in Threads())
            Console.WriteLine($"{threads} thread(s): {PeakGflops(threads),7:F1} GFLOP/s multiply-add peak, {TriadGigabytes(threads),6:F1} GB/s triad");
    }

    /// <summary>One, two, and all processors.</summary>
    public static int[] Threads() => [.. new[] { 1, 2, Environment.ProcessorCount }.Distinct().Where(t => t <= Environment.ProcessorCount)];

    static double WithThreads(int threads, Func<double> measure)
    {
        int before = ThreadTeam.Threads;
        ThreadTeam.Threads = threads;
        try
        {
            return measure();
        }
        finally
        {
            ThreadTeam.Threads = before;
        }
    }
}

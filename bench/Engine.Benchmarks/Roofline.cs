using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Engine.Tensors;

namespace Engine.Benchmarks;

/// <summary>What this machine can do at most: multiply-adds from registers, and memory traffic.</summary>
static unsafe class Roofline
{
    static float sink;

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
        {
            MachineRoofline machine = MachineRoofline.Measure(threads);
            Console.WriteLine($"{threads} thread(s): {machine.FlopsPerSecond / 1e9,7:F1} GFLOP/s multiply-add peak, {machine.BytesPerSecond / 1e9,6:F1} GB/s triad");
        }
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

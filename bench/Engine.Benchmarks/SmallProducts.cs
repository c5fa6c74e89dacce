using Engine.Tensors;

namespace Engine.Benchmarks;

/// <summary>Products that are too small for blocking: tiny ones, matrix times vector, batches of heads.</summary>
static class SmallProducts
{
    public static void Print()
    {
        List<string> names = [];
        List<Action> actions = [];
        List<(double Flops, double Bytes)> costs = [];
        void Add(int[] a, int[] b, int[] y, bool transposed)
        {
            Tensor left = Random(a), right = transposed ? Random([.. b[..^2], b[^1], b[^2]]).Transpose() : Random(b), target = Tensor.Empty(Shape.Create(y));
            names.Add($"[{string.Join(", ", a)}] [{string.Join(", ", b)}]{(transposed ? "^T" : "")}");
            actions.Add(() => Matrices.MatMulInto(left, right, target));
            costs.Add((2.0 * target.ElementCount * a[^1], 4.0 * (left.ElementCount + right.ElementCount + target.ElementCount)));
        }

        foreach (int n in (int[])[1, 2, 4, 8, 15, 16, 17, 32, 64, 128])
        {
            Add([n, n], [n, n], [n, n], false);
            Add([n, n], [n, n], [n, n], true);
        }

        foreach (int rows in (int[])[1, 2, 3, 4, 6, 8, 12, 16, 24])
        {
            Add([rows, 2048], [2048, 2048], [rows, 2048], false);
            Add([rows, 2048], [2048, 2048], [rows, 2048], true);
        }

        Add([2048, 2048], [2048, 1], [2048, 1], false);
        Add([256, 65, 32], [256, 32, 65], [256, 65, 65], true);
        Add([256, 65, 65], [256, 65, 32], [256, 65, 32], false);
        Add([96, 197, 64], [96, 64, 197], [96, 197, 197], true);
        Add([96, 197, 197], [96, 197, 64], [96, 197, 64], false);
        Add([4160, 128], [128, 8], [4160, 8], true);
        Add([4160, 8], [8, 128], [4160, 128], true);
        Interleaved.Result[] results = Interleaved.Measure(actions, rounds: 15);
        Console.WriteLine($"{ThreadTeam.Threads} thread(s){"",32} best us   median us   GFLOP/s     GB/s");
        for (int i = 0; i < names.Count; i++)
        {
            Interleaved.Result r = results[i];
            Console.WriteLine($"{names[i],-40} {r.BestSeconds * 1e6,12:F2} {r.MedianSeconds * 1e6,11:F2} {costs[i].Flops / r.BestSeconds / 1e9,9:F1} {costs[i].Bytes / r.BestSeconds / 1e9,8:F1}");
        }
    }

    static Tensor Random(int[] shape)
    {
        Random random = new(1);
        float[] elements = new float[Shape.Create(shape).ElementCount];
        for (int i = 0; i < elements.Length; i++) elements[i] = random.NextSingle() - 0.5f;
        return Tensor.From(elements, Shape.Create(shape));
    }
}

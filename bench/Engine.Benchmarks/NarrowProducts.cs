using Engine.Tensors;

namespace Engine.Benchmarks;

/// <summary>
/// Products with a weight matrix in 16 bits against the same in float32: few rows, where memory decides, as GB/s beside the
/// bandwidth of plain reading; many rows, where widening while packing is what it costs more.
/// </summary>
static class NarrowProducts
{
    const int Inputs = 4096, Outputs = 11008;

    public static void Print()
    {
        DType[] types = [DType.Float32, DType.BFloat16, DType.Float16];
        Tensor[] weights = Array.ConvertAll(types, type => Random([Outputs, Inputs]).To(type));
        List<(string Name, int Rows, int Type)> cases = [];
        List<Action> actions = [Roofline.Reader(ThreadTeam.Threads, out long read)];
        foreach (int rows in (int[])[1, 2, 3, 4, 6, 8, 16, 32, 128])
        {
            Tensor x = Random([rows, Inputs]), dy = Random([rows, Outputs]), y = Tensor.Empty([rows, Outputs]), dx = Tensor.Empty([rows, Inputs]);
            for (int type = 0; type < types.Length; type++)
            {
                Tensor weight = weights[type], transposed = weight.Transpose();
                cases.Add(("y = x W^T", rows, type));
                actions.Add(() => Matrices.MatMulInto(x, transposed, y));
                cases.Add(("dx = dy W", rows, type));
                actions.Add(() => Matrices.MatMulInto(dy, weight, dx));
            }
        }

        Interleaved.Result[] results = Interleaved.Measure(actions, rounds: 11);
        double reading = read / results[0].BestSeconds / 1e9;
        Console.WriteLine($"{ThreadTeam.Threads} thread(s), W [{Outputs}, {Inputs}]; plain reading {reading:F1} GB/s (median {read / results[0].MedianSeconds / 1e9:F1})");
        Console.WriteLine("                     rows  W         best ms  median ms   GB/s of W    share   GFLOP/s");
        for (int i = 0; i < cases.Count; i++)
        {
            (string name, int rows, int type) = cases[i];
            Interleaved.Result r = results[i + 1];
            double gigabytes = (double)Outputs * Inputs * types[type].Size() / r.BestSeconds / 1e9;
            Console.WriteLine($"{name,-20} {rows,4}  {types[type],-9} {r.BestSeconds * 1e3,7:F2} {r.MedianSeconds * 1e3,10:F2} {gigabytes,11:F1} {gigabytes / reading,8:P0} {2.0 * rows * Outputs * Inputs / r.BestSeconds / 1e9,9:F1}");
        }
    }

    static Tensor Random(Shape shape) => RandomNumbers.Normal(shape, new Philox(1, 0));
}

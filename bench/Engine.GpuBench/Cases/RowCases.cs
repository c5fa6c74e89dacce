using Engine.Tensors;

namespace Engine.GpuBench;

/// <summary>What memory binds: copies, formulas, rows.</summary>
static class RowCases
{
    public static IEnumerable<BenchCase> All(bool quick)
    {
        int rows = quick ? 2048 : 32768, width = 768;
        yield return Create("copy", 2, (x, _, y) => x.Backend.Copy(x, y), (x, _) => x);
        yield return Create("add", 3, (x, z, y) => x.Backend.Map(default(Add), x, z, y), Elementwise.Map<Add>);
        yield return Create("gelu", 2, (x, _, y) => x.Backend.Map(default(Gelu), x, y), (x, _) => Elementwise.Map<Gelu>(x));
        yield return Create("softmax", 2, (x, _, y) => x.Backend.Softmax(false, x, y), (x, _) => Normalization.Softmax(x));

        BenchCase Create(string op, int passes, Action<Tensor, Tensor, Tensor> run, Func<Tensor, Tensor, Tensor> right) => new(
            $"{op} f32 {rows}x{width}", device => Prepare(device, rows, width, run, right), new(op, "float32", [rows, width]))
        {
            Bytes = 4.0 * passes * rows * width,
        };
    }

    static Work Prepare(Device device, int rows, int width, Action<Tensor, Tensor, Tensor> run, Func<Tensor, Tensor, Tensor> right)
    {
        Tensor x = RandomNumbers.Normal([rows, width], new Philox(1), device: device), z = RandomNumbers.Normal([rows, width], new Philox(2), device: device);
        Tensor y = x.EmptyLike(x.Shape);
        return new(() => run(x, z, y), () =>
        {
            run(x, z, y);
            return Comparison.Fault("the result", y.Slice(0, rows - 5, rows), right(Comparison.OnCpu(x.Slice(0, rows - 5, rows)), Comparison.OnCpu(z.Slice(0, rows - 5, rows))), 1e-5);
        });
    }
}

using Engine.Gpu;
using Engine.Tensors;

namespace Engine.GpuBench;

/// <summary>Matrix products: squares, and those of a linear layer forward and backward.</summary>
static class ProductCases
{
    const int CheckedRows = 3;

    /// <summary>What of an operand is transposed: of y = x W^T nothing but W is, of dW = dy^T x the left one.</summary>
    enum Form { Plain, WeightTransposed, LeftTransposed }

    public static IEnumerable<BenchCase> All(bool quick, bool processor)
    {
        foreach (int n in quick ? (int[])[512, 1024] : [1024, 2048, 4096, 8192])
            yield return Create("square", n, n, n, DType.Float32, bar: processor ? Bar.Gflops(40) : Bar.Ratio(1 / 0.7));
        foreach (DType type in (DType[])[DType.BFloat16, DType.Float16])
            foreach (int n in quick ? (int[])[512] : [1024, 4096, 8192])
                yield return Create("square", n, n, n, type, bar: processor ? null : Bar.Ratio(1 / 0.5));
        if (!quick) yield return Create("square", 4096, 4096, 4096, DType.Float32, tensorFloat: true);
        int rows = quick ? 394 : 32 * 197;
        foreach (DType type in (DType[])[DType.Float32, DType.BFloat16])
        {
            Bar? bar = processor ? null : type == DType.Float32 ? Bar.Ratio(1 / 0.7) : Bar.Ratio(1 / 0.5);
            yield return Create("vit_b16 fc1", rows, 768, 3072, type, Form.WeightTransposed, bar);
            yield return Create("vit_b16 fc2 dx", rows, 768, 3072, type, bar: bar);
            yield return Create("vit_b16 fc1 dw", 3072, rows, 768, type, Form.LeftTransposed, bar);
        }
    }

    static BenchCase Create(string name, int m, int k, int n, DType type, Form form = Form.Plain, Bar? bar = null, bool tensorFloat = false)
    {
        PeerRequest peer = new("gemm", Comparison.Name(type), [m, k, n], tensorFloat ? "tf32" : form switch
        {
            Form.WeightTransposed => "right_transposed",
            Form.LeftTransposed => "left_transposed",
            _ => "",
        });
        return new($"gemm {(tensorFloat ? "tf32" : Comparison.Short(type))} {name} {m}x{k}x{n}", device => Prepare(device, m, k, n, type, form, tensorFloat), peer, bar)
        {
            Flops = 2.0 * m * k * n,
        };
    }

    static Work Prepare(Device device, int m, int k, int n, DType type, Form form, bool tensorFloat)
    {
        Tensor a = form == Form.LeftTransposed ? Normal([k, m], 1).Transpose() : Normal([m, k], 1);
        Tensor b = form == Form.WeightTransposed ? Normal([n, k], 2).Transpose() : Normal([k, n], 2);
        Tensor y = Tensor.Empty([m, n], type, device);
        return new(Run, () =>
        {
            Run();
            Tensor right = Matrices.MatMul(Comparison.OnCpu(a.Slice(0, 0, CheckedRows)), Comparison.OnCpu(b));
            return Comparison.Fault("the product", y.Slice(0, 0, CheckedRows), right, Comparison.Tolerance(tensorFloat ? DType.Float16 : type));
        });

        Tensor Normal(Shape shape, ulong seed) => RandomNumbers.Normal(shape, new Philox(seed), device: device).To(type);

        void Run()
        {
            bool before = GpuPrecision.TensorFloat32;
            GpuPrecision.TensorFloat32 = tensorFloat;
            device.Backend.MatMul(default(Identity), a, b, null, y, null, accumulate: false);
            GpuPrecision.TensorFloat32 = before;
        }
    }
}

using Engine.Tensors;
using Engine.Testing;

namespace Engine.Gpu.Tests;

/// <summary>
/// Products on an OpenCL device against the CPU's, for the ways that a processor takes and, forced, for those of a graphics card.
/// </summary>
public sealed class MatMulTests
{
    public enum Way { Processor, Card }

    static readonly (int M, int N, int K)[] Sizes =
        [(1, 1, 1), (1, 5, 3), (3, 70, 33), (4, 300, 257), (300, 3, 100), (12, 40, 300), (13, 17, 19), (64, 64, 64), (65, 129, 31), (96, 100, 96), (128, 128, 32), (200, 132, 264), (100, 30, 1100)];

    public static TheoryData<int, int, int, bool, bool, DType, DType, Way> Products()
    {
        TheoryData<int, int, int, bool, bool, DType, DType, Way> data = [];
        foreach (Way way in Enum.GetValues<Way>())
        {
            foreach ((int m, int n, int k) in Sizes)
            {
                foreach ((bool left, bool right) in ((bool, bool)[])[(false, false), (false, true), (true, false), (true, true)])
                    data.Add(m, n, k, left, right, DType.Float32, DType.Float32, way);
                data.Add(m, n, k, false, true, DType.Float32, DType.BFloat16, way);
                data.Add(m, n, k, true, false, DType.Float32, DType.Float16, way);
                data.Add(m, n, k, true, true, DType.Float64, DType.Float64, way);
                data.Add(m, n, k, false, false, DType.Float64, DType.BFloat16, way);
            }
        }

        return data;
    }

    [Theory, MemberData(nameof(Products))]
    public void A_product_is_the_processors(int m, int n, int k, bool left, bool right, DType type, DType rightType, Way way) => On(way, device =>
    {
        Tensor Run(Device on)
        {
            Tensor a = Turned(Random(on, 1, type, left ? [k, m] : [m, k]), left), b = Turned(Random(on, 2, rightType, right ? [n, k] : [k, n]), right);
            return Matrices.MatMul(a, b);
        }

        Close(Run(device), Run(Device.Parse("cpu")), k);
    });

    [Theory, InlineData(Way.Processor), InlineData(Way.Card)]
    public void Bias_activation_kept_sums_and_accumulation_come_after_the_sum(Way way) => On(way, device =>
    {
        foreach ((int m, int n, int k) in ((int, int, int)[])[(3, 50, 40), (50, 3, 40), (37, 45, 29), (130, 140, 64), (60, 40, 1200)])
        {
            (Tensor Y, Tensor Linear) Run(Device on)
            {
                Tensor y = Random(on, 4, DType.Float32, [m, n]), linear = Tensor.Empty([m, n], DType.Float32, on);
                Tensor bias = Random(on, 3, DType.Float32, [2 * n]).Slice(0, 0, 2 * n, 2);
                on.Backend.MatMul(default(Gelu), Random(on, 1, DType.Float32, [m, k]), Random(on, 2, DType.Float32, [n, k]).Transpose(), bias, y, linear, true);
                return (y, linear);
            }

            (Tensor y, Tensor linear) = Run(device);
            (Tensor wantedY, Tensor wantedLinear) = Run(Device.Parse("cpu"));
            Close(linear, wantedLinear, k);
            Close(y, wantedY, k);
        }
    });

    [Theory, InlineData(Way.Processor), InlineData(Way.Card)]
    public void Batches_broadcast_and_operands_may_lie_anyhow(Way way) => On(way, device =>
    {
        Tensor Run(Device on, int m, int n, int k)
        {
            // a: every second column of a flipped matrix; b without the outer batch axis; y a part of something larger.
            Tensor a = Random(on, 1, DType.Float32, [2, 3, m, 2 * k]).Slice(-1, 0, 2 * k, 2).Flip(-2), b = Random(on, 2, DType.Float32, [3, n, k]).Transpose().Expand([2, 3, k, n]);
            Tensor whole = Random(on, 3, DType.Float32, [2, 3, m + 2, n + 3]), y = whole.Slice(-2, 1, m + 1).Slice(-1, 2, n + 2);
            Matrices.MatMulInto(a, b, y, accumulate: true);
            return whole;
        }

        foreach ((int m, int n, int k) in ((int, int, int)[])[(2, 33, 20), (33, 2, 20), (31, 45, 20), (140, 128, 24)])
            Close(Run(device, m, n, k), Run(Device.Parse("cpu"), m, n, k), k);
        Tensor Dense(Device on) => Matrices.MatMul(Random(on, 1, DType.Float32, [3, 100, 96]), Random(on, 2, DType.Float32, [3, 104, 96]).Transpose());
        Close(Dense(device), Dense(Device.Parse("cpu")), 96);
    });

    [Theory, InlineData(Way.Processor), InlineData(Way.Card)]
    public void A_linear_layer_over_a_batch_is_one_product(Way way) => On(way, device =>
    {
        Tensor Run(Device on) => Matrices.Linear(Random(on, 1, DType.Float32, [4, 17, 24]), Random(on, 2, DType.Float32, [40, 24]), Random(on, 3, DType.Float32, [40]));
        Close(Run(device), Run(Device.Parse("cpu")), 24);
    });

    [Theory]
    [InlineData(DType.BFloat16, Way.Processor), InlineData(DType.Float16, Way.Processor), InlineData(DType.BFloat16, Way.Card), InlineData(DType.Float16, Way.Card)]
    public void Sixteen_bit_operands_are_summed_in_float32_and_rounded_once(DType type, Way way) => On(way, device =>
    {
        foreach ((int m, int n, int k) in ((int, int, int)[])[(2, 40, 300), (45, 70, 129), (130, 128, 640)])
        {
            Tensor a = Random(device, 1, type, [m, k]), b = Random(device, 2, type, [n, k]), bias = Random(device, 3, type, [n]);
            Tensor y = Tensor.Empty([m, n], type, device), linear = Tensor.Empty([m, n], type, device);
            device.Backend.MatMul(default(Relu), a, b.Transpose(), bias, y, linear, false);
            Device cpu = Device.Parse("cpu");
            Tensor sums = Tensor.Empty([m, n]), wide = Tensor.Empty([m, n]);
            cpu.Backend.MatMul(default(Relu), Wide(a), Wide(b).Transpose(), Wide(bias), wide, sums, false);
            double place = type == DType.BFloat16 ? 1.0 / 256 : 1.0 / 2048;
            TensorAssert.Close(Wide(linear), sums, place * 1.01, 1e-4, $"{m}x{k}x{n} before the activation");
            TensorAssert.Close(Wide(y), wide, place * 1.01, 1e-4, $"{m}x{k}x{n}");
        }
    });

    [Theory, InlineData(Way.Processor), InlineData(Way.Card)]
    public void What_is_not_a_number_stays_in_its_row_and_column(Way way) => On(way, device =>
    {
        Tensor Run(Device on, int m, int n, int k)
        {
            float[] left = new float[m * k], right = new float[k * n];
            for (int i = 0; i < left.Length; i++) left[i] = i % 7 - 3;
            for (int i = 0; i < right.Length; i++) right[i] = i % 5 - 2;
            left[(m - 1) * k + k - 1] = float.NaN;
            right[(k - 1) * n + n - 1] = float.PositiveInfinity;
            left[0] = float.NegativeInfinity;
            return Matrices.MatMul(Tensor.From(left, [m, k], on), Tensor.From(right, [k, n], on));
        }

        foreach ((int m, int n, int k) in ((int, int, int)[])[(3, 21, 11), (21, 3, 11), (19, 21, 11), (130, 132, 16)])
            TensorAssert.SameBits(Plain(Run(device, m, n, k)), Plain(Run(Device.Parse("cpu"), m, n, k)), $"{m}x{k}x{n}");
    });

    [Theory, InlineData(Way.Processor), InlineData(Way.Card)]
    public void Two_runs_give_the_same_bits(Way way) => On(way, device =>
    {
        foreach ((int m, int n, int k) in ((int, int, int)[])[(2, 500, 900), (100, 130, 1024), (70, 65, 333)])
        {
            Tensor a = Random(device, 1, DType.Float32, [m, k]), b = Random(device, 2, DType.Float32, [k, n]);
            TensorAssert.SameBits(Matrices.MatMul(a, b), Matrices.MatMul(a, b), $"{m}x{k}x{n}");
        }
    });

    static void On(Way way, Action<Device> test)
    {
        Device device;
        try
        {
            device = GpuDevices.Select("opencl");
        }
        catch (DeviceException absent)
        {
            Assert.Skip(absent.Message);
            return;
        }

        GpuRuntime runtime = ((GpuBackend)device.Backend).Runtime;
        bool processor = runtime.IsProcessor;
        runtime.IsProcessor = way == Way.Processor;
        try
        {
            test(device);
        }
        finally
        {
            runtime.IsProcessor = processor;
        }
    }

    static Tensor Random(Device device, ulong seed, DType type, int[] shape) => RandomNumbers.Normal(Shape.Create(shape), new Philox(seed, 0)).To(type).To(device);

    static Tensor Turned(Tensor x, bool turn) => turn ? x.Transpose() : x;

    static Tensor Wide(Tensor x) => x.To(Device.Parse("cpu")).To(DType.Float32);

    // Every NaN as one and the same.
    static Tensor Plain(Tensor x) => Tensor.From(Array.ConvertAll(x.To(Device.Parse("cpu")).ToArray<float>(), value => float.IsNaN(value) ? float.NaN : value), x.Shape);

    // Sums of k products of normal numbers in another order.
    static void Close(Tensor ours, Tensor reference, int k) =>
        TensorAssert.Close(ours, reference, 2e-6, (reference.DType == DType.Float64 ? 1e-14 : 1e-6) * Math.Sqrt(k) + (reference.DType == DType.Float64 ? 0 : 1e-7 * k), $"{reference.Shape} over {k}");
}

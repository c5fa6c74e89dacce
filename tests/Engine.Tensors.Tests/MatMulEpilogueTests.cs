using static Engine.Tensors.Tests.MatMulReference;

namespace Engine.Tensors.Tests;

/// <summary>Bias, activation, kept sums and accumulation, with every vector width; those the processor lacks are emulated.</summary>
[Trait("Device", "Cpu")]
public sealed class MatMulEpilogueTests
{
    // x / 2 + |x|, which no order of operations with the bias can imitate.
    readonly struct Bent : IUnary
    {
        public T Apply<T>(T x) where T : struct, ILane<T> => T.MulAdd(T.Of(0.5), x, T.Abs(x));
    }

    static readonly CpuBackend Cpu = new();

    public static TheoryData<string> Widths => ["512", "256", "128", "1", "512 double", "256 double", "128 double", "1 double"];

    static void Run<TActivation>(string width, TActivation activation, Tensor a, Tensor b, Tensor? bias, Tensor y, Tensor? linear, bool accumulate)
        where TActivation : struct, IUnary
    {
        switch (width)
        {
            case "512": Cpu.MatMul<Lane512<float>, float, TActivation>(activation, a, b, bias, y, linear, accumulate); break;
            case "256": Cpu.MatMul<Lane256<float>, float, TActivation>(activation, a, b, bias, y, linear, accumulate); break;
            case "128": Cpu.MatMul<Lane128<float>, float, TActivation>(activation, a, b, bias, y, linear, accumulate); break;
            case "1": Cpu.MatMul<Scalar32, float, TActivation>(activation, a, b, bias, y, linear, accumulate); break;
            case "512 double": Cpu.MatMul<Lane512<double>, double, TActivation>(activation, a, b, bias, y, linear, accumulate); break;
            case "256 double": Cpu.MatMul<Lane256<double>, double, TActivation>(activation, a, b, bias, y, linear, accumulate); break;
            case "128 double": Cpu.MatMul<Lane128<double>, double, TActivation>(activation, a, b, bias, y, linear, accumulate); break;
            default: Cpu.MatMul<Scalar64, double, TActivation>(activation, a, b, bias, y, linear, accumulate); break;
        }
    }

    static DType Type(string width) => width.EndsWith("double", StringComparison.Ordinal) ? DType.Float64 : DType.Float32;

    [Theory]
    [MemberData(nameof(Widths))]
    public void Every_vector_width_agrees_with_the_plain_sum(string width)
    {
        foreach (int m in (int[])[1, 5, 12, 13, 24, 67])
            foreach (int k in (int[])[1, 4, 31, 270])
                foreach (int n in (int[])[1, 7, 16, 32, 33, 100, 420])
                    foreach (Layout layout in (Layout[])[Layout.Dense, Layout.Transposed, Layout.EverySecondColumn])
                    {
                        Tensor a = Random([m, k], Type(width), 1, layout), b = Random([k, n], Type(width), 2, layout), y = Tensor.Empty([m, n], Type(width));
                        Run(width, default(Identity), a, b, null, y, null, false);
                        AssertClose(Multiply(a, b), y, k, $"{m} x {k} x {n}, {layout}");
                    }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Bias_activation_kept_sums_and_accumulation_combine(string width)
    {
        DType type = Type(width);
        foreach ((int m, int k, int n) in ((int, int, int)[])[(1, 20, 35), (30, 20, 1), (7, 6, 5), (50, 30, 70), (64, 530, 64), (31, 600, 45)])
            foreach (Layout layout in (Layout[])[Layout.Dense, Layout.Transposed, Layout.EverySecondColumn])
                for (int options = 0; options < 16; options++)
                {
                    bool withBias = (options & 1) != 0, withLinear = (options & 2) != 0, accumulate = (options & 4) != 0, activate = (options & 8) != 0;
                    Tensor a = Random([m, k], type, 1), b = Random([k, n], type, 2), y = Random([m, n], type, 3, layout);
                    Tensor? bias = withBias ? Random([1, n], type, 4, options % 3 == 0 ? Layout.EverySecondColumn : Layout.Dense).Squeeze(0) : null;
                    Tensor? linear = withLinear ? Tensor.Empty([m, n], type) : null;
                    double[] sums = Multiply(a, b), expected = Read(y);
                    double[] added = bias is null ? new double[n] : Read(bias);
                    for (int i = 0; i < sums.Length; i++)
                    {
                        sums[i] += added[i % n];
                        double value = activate ? sums[i] / 2 + Math.Abs(sums[i]) : sums[i];
                        expected[i] = accumulate ? expected[i] + value : value;
                    }

                    if (activate) Run(width, default(Bent), a, b, bias, y, linear, accumulate);
                    else Run(width, default(Identity), a, b, bias, y, linear, accumulate);
                    string what = $"{m} x {k} x {n}, {layout}, options {options}";
                    AssertClose(expected, y, 2 * k, what);
                    if (linear is not null) AssertClose(sums, linear, k, $"sums of {what}");
                }
    }

    [Fact]
    public void Batches_keep_their_epilogues_apart()
    {
        Tensor a = Random([3, 2, 9, 300], DType.Float32, 1), b = Random([2, 300, 19], DType.Float32, 2).Expand([3, 2, 300, 19]), bias = Random([1, 19], DType.Float32, 3).Squeeze(0);
        Tensor y = Tensor.Empty([3, 2, 9, 19]), linear = Tensor.Empty([3, 2, 9, 19]);
        Cpu.MatMul(default(Bent), a, b, bias, y, linear, false);
        double[] sums = Multiply(a, b), added = Read(bias);
        for (int i = 0; i < sums.Length; i++) sums[i] += added[i % 19];
        AssertClose(sums, linear, 300, "sums");
        AssertClose(Array.ConvertAll(sums, s => s / 2 + Math.Abs(s)), y, 600, "activations");
    }

    [Fact]
    public void All_widths_that_fuse_multiply_and_add_give_the_same_bits()
    {
        if (!System.Runtime.Intrinsics.X86.Fma.IsSupported && !System.Runtime.Intrinsics.Arm.AdvSimd.IsSupported) return;
        Tensor a = Random([70, 700], DType.Float32, 1), b = Random([700, 90], DType.Float32, 2);
        float[]? expected = null;
        foreach (string width in (string[])["512", "256", "128"])
        {
            Tensor y = Tensor.Empty([70, 90]);
            Run(width, default(Identity), a, b, null, y, null, false);
            expected ??= y.ToArray<float>();
            Assert.Equal(expected, y.ToArray<float>());
        }
    }

    [Fact]
    public void The_linear_layer_and_its_gradients_fit_each_other()
    {
        Tensor x = Random([2, 9, 20], DType.Float64, 1), weight = Random([13, 20], DType.Float64, 2), bias = Random([1, 13], DType.Float64, 3).Squeeze(0), dy = Random([2, 9, 13], DType.Float64, 4);
        Tensor y = Matrices.Linear(default(Bent), x, weight, bias, out Tensor linear);
        Assert.Equal([2, 9, 13], y.Shape);
        double[] sums = Multiply(x, weight.Transpose()), added = Read(bias);
        for (int i = 0; i < sums.Length; i++) sums[i] += added[i % 13];
        AssertClose(sums, linear, 20, "linear");
        AssertClose(sums, Matrices.Linear(x, weight, bias), 20, "linear without activation");
        AssertClose(Array.ConvertAll(sums, s => s / 2 + Math.Abs(s)), y, 40, "activated");
        AssertClose(Read(y), Matrices.Linear(default(Bent), x, weight, bias), 0, "activated, nothing kept");

        AssertClose(Multiply(dy, weight), Matrices.LinearInputGradient(dy, weight), 13, "dx");
        Tensor rows = dy.Reshape(18, 13), inputs = x.Reshape(18, 20);
        double[] expected = Multiply(rows.Transpose(), inputs);
        Tensor dweight = Matrices.LinearWeightGradient(dy, x);
        Assert.Equal([13, 20], dweight.Shape);
        AssertClose(expected, dweight, 18, "dW");
        Matrices.LinearWeightGradientInto(dy, x, dweight, accumulate: true);
        AssertClose(Array.ConvertAll(expected, e => 2 * e), dweight, 36, "dW twice");
    }

    [Fact]
    public void A_product_allocates_nothing_but_its_tensors()
    {
        Tensor a = Random([40, 50], DType.Float32, 1), b = Random([50, 60], DType.Float32, 2), y = Tensor.Empty([40, 60]);
        for (int i = 0; i < 100; i++) Cpu.MatMul(default(Identity), a, b, null, y, null, false);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) Cpu.MatMul(default(Identity), a, b, null, y, null, false);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}

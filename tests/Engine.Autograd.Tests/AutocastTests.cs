using Engine.Tensors;

namespace Engine.Autograd.Tests;

/// <summary>Mixed precision: which operations take 16 bits, what stays float32, and that gradients follow those of float32.</summary>
public sealed class AutocastTests
{
    // A rounding to bfloat16 changes a number by so much at most.
    const double Rounding = 1.0 / 256;

    static Tensor Draw(Shape shape, ulong seed) => RandomNumbers.Normal(shape, new Philox(seed));

    // As a trained model's: a product has about the size of its operand.
    static Parameter Weight(string name, Shape shape, ulong seed) => new(name, Draw(shape, seed) * (shape.Rank == 2 ? 1 / MathF.Sqrt(shape[1]) : 1));

    [Fact]
    public void The_scope_chooses_the_precision_and_ends_where_it_began()
    {
        Variable x = Draw([4, 6], 1), weight = Draw([5, 6], 2);
        Assert.Equal(Precision.Float32, Tape.Precision);
        using (Tape.Autocast(Precision.BFloat16))
        {
            Assert.Equal(DType.BFloat16, Functions.Linear(x, weight).Value.DType);
            using (Tape.Autocast(Precision.Float32)) Assert.Equal(DType.Float32, Functions.Linear(x, weight).Value.DType);
            Assert.Equal(Precision.BFloat16, Tape.Precision);
        }

        Assert.Equal(DType.Float32, Functions.Linear(x, weight).Value.DType);
    }

    [Fact]
    public void Double_precision_stays()
    {
        using Tape.AutocastScope scope = Tape.Autocast(Precision.BFloat16);
        Variable x = RandomNumbers.Normal([4, 6], new Philox(1), dtype: DType.Float64), weight = RandomNumbers.Normal([5, 6], new Philox(2), dtype: DType.Float64);
        Assert.Equal(DType.Float64, Functions.Linear(x, weight).Value.DType);
    }

    [Fact]
    public void Products_attention_and_norms_are_narrow_and_losses_and_reductions_float32()
    {
        using Tape.AutocastScope scope = Tape.Autocast(Precision.BFloat16);
        Variable x = Draw([2, 3, 12], 1), ones = Tensor.Ones([12]), image = Draw([1, 2, 8, 8], 3);
        Variable narrow = Functions.LayerNorm(x, ones, ones);
        Tensor targets = Tensor.From([0, 3], [2]);
        (string Name, Variable Result, DType Type)[] results =
        [
            ("LayerNorm", narrow, DType.BFloat16),
            ("RmsNorm", Functions.RmsNorm(x, ones), DType.BFloat16),
            ("MatMul", Functions.MatMul(x, Draw([12, 2], 2)), DType.BFloat16),
            ("SelfAttention", Functions.SelfAttention(x, 2), DType.BFloat16),
            ("Conv2d", Functions.Conv2d(image, Draw([3, 2, 3, 3], 4)), DType.BFloat16),
            ("Embedding", Functions.Embedding(Draw([5, 4], 5), targets), DType.BFloat16),
            ("a sum with float32", narrow + x, DType.BFloat16),
            ("float32 alone", x + x, DType.Float32),
            ("Gelu", Functions.Gelu(narrow), DType.BFloat16),
            ("Concatenate", Functions.Concatenate(0, x, narrow), DType.BFloat16),
            ("Dropout", Functions.Dropout(narrow, 0.5f, new Philox(9)), DType.BFloat16),
            ("Sum", Functions.Sum(narrow), DType.Float32),
            ("Mean", Functions.Mean(narrow, [1]), DType.Float32),
            ("LogSoftmax", Functions.LogSoftmax(narrow), DType.Float32),
            ("CrossEntropy", Functions.CrossEntropy(Functions.Select(narrow, 1, 0), targets), DType.Float32),
            ("MeanSquaredError", Functions.MeanSquaredError(narrow, x), DType.Float32),
            ("Interpolate", Functions.Interpolate(Functions.Conv2d(image, Draw([3, 2, 1, 1], 4)), 4, 4, Interpolation.Bilinear), DType.Float32),
        ];
        foreach ((string name, Variable result, DType type) in results) Assert.True(type == result.Value.DType, $"{name} gives {result.Value.DType}, expected {type}");
    }

    [Fact]
    public void Gradients_of_parameters_are_float32_sums_and_follow_those_of_float32()
    {
        Parameter[] parameters =
        [
            Weight("table", [7, 16], 1), Weight("gamma", [16], 2), Weight("beta", [16], 3), Weight("qkv", [48, 16], 4), Weight("qkv.bias", [48], 5),
            Weight("up", [32, 16], 6), Weight("up.bias", [32], 7), Weight("down", [16, 32], 8), Weight("scale", [16], 9), Weight("positions", [1, 5, 16], 10), Weight("head", [7, 16], 11),
        ];
        Tensor ids = Tensor.From([1, 6, 1, 0, 3, 2, 2, 5, 4, 6], [2, 5]), targets = Tensor.From([3, 0], [2]);
        float[][] exact = Gradients(Precision.Float32), mixed = Gradients(Precision.BFloat16);
        for (int i = 0; i < parameters.Length; i++)
        {
            double error = Distance(exact[i], mixed[i]);
            TestContext.Current.SendDiagnosticMessage($"{parameters[i].Name} {error / Rounding:F2}");
            Assert.True(error < 4 * Rounding, $"{parameters[i].Name}: the gradient in bfloat16 is off by {error:P2}");
            Assert.True(Array.Exists(mixed[i], value => value != (float)BitConverter.Int32BitsToSingle((int)(BitConverter.SingleToUInt32Bits(value) & 0xFFFF0000))),
                $"{parameters[i].Name}: every element of the gradient has 16 bits only");
        }

        float[][] Gradients(Precision precision)
        {
            foreach (Parameter parameter in parameters) parameter.ZeroGradient();
            using StepScope step = StepScope.Begin();
            Variable loss;
            using (Tape.Autocast(precision))
            {
                Variable x = Functions.Embedding(parameters[0], ids) + parameters[9];                                                   // [2, 5, 16]
                x += Functions.SelfAttention(Functions.Linear(Functions.LayerNorm(x, parameters[1], parameters[2]), parameters[3], parameters[4]), 4);
                x += Functions.Linear(default(Gelu), Functions.RmsNorm(x, parameters[1]), parameters[5], parameters[6]) is var up
                    ? Functions.Linear(up, parameters[7]) * parameters[8] : x;
                loss = Functions.CrossEntropy(Functions.Linear(Functions.Mean(x, [1]), parameters[10]), targets);
            }

            Assert.Equal(DType.Float32, loss.Value.DType);
            loss.Backward();
            return [.. parameters.Select(parameter =>
            {
                Assert.Equal(DType.Float32, parameter.Gradient!.DType);
                return parameter.Gradient.ToArray<float>();
            })];
        }
    }

    [Fact]
    public void A_weight_gradient_adds_up_more_rows_than_16_bits_can_count()
    {
        // In bfloat16, 256 + 1 is 256.
        Parameter weight = new("w", Tensor.Ones([1, 1])), bias = new("b", Tensor.Zeros([1])), table = new("t", Tensor.Ones([2, 1]));
        Tensor rows = Tensor.Ones([1001, 1]), ids = Tensor.From(new int[1001], [1001]);
        Variable y, z;
        using (Tape.Autocast(Precision.BFloat16)) (y, z) = (Functions.Linear(rows, weight, bias), Functions.Embedding(table, ids));
        y.Backward(Tensor.Ones([1001, 1], DType.BFloat16));
        z.Backward(Tensor.Ones([1001, 1], DType.BFloat16));
        Assert.Equal([1001f], weight.Gradient!.ToArray<float>());
        Assert.Equal([1001f], bias.Gradient!.ToArray<float>());
        Assert.Equal([1001f, 0f], table.Gradient!.ToArray<float>());
    }

    [Fact]
    public void A_bound_copy_is_read_in_the_weights_place()
    {
        Parameter weight = new("w", Tensor.Ones([3, 2]));
        using Tape.AutocastScope scope = Tape.Autocast(Precision.BFloat16);
        weight.BindNarrow(Tensor.Full([3, 2], 2, DType.BFloat16));
        Variable y = Functions.Linear(Tensor.Ones([1, 2]), weight);
        Assert.Equal([4f, 4, 4], y.Value.To(DType.Float32).ToArray<float>());
        Functions.Sum(y).Backward();
        Assert.Equal([1f, 1, 1, 1, 1, 1], weight.Gradient!.ToArray<float>());
        weight.BindNarrow(null);
        Assert.Equal([2f, 2, 2], Functions.Linear(Tensor.Ones([1, 2]), weight).Value.To(DType.Float32).ToArray<float>());
        Assert.Throws<ShapeException>(() => weight.BindNarrow(Tensor.Ones([3, 2])));
        Assert.Throws<ShapeException>(() => weight.BindNarrow(Tensor.Ones([2, 3], DType.BFloat16)));
    }

    [Fact]
    public void A_recomputed_segment_computes_in_the_precision_it_was_recorded_in()
    {
        Parameter weight = Weight("w", [8, 8], 1);
        float[] kept = Gradient(false), recomputed = Gradient(true);
        Assert.Equal(kept, recomputed);

        float[] Gradient(bool recomputes)
        {
            weight.ZeroGradient();
            Variable x = Draw([5, 8], 2), y;
            Func<Variable, Variable> segment = x => Functions.Gelu(Functions.Linear(x, weight));
            using (Tape.Autocast(Precision.BFloat16)) y = Functions.Sum(recomputes ? Tape.Recompute(segment, x, [weight]) : segment(x));
            y.Backward();
            return weight.Gradient!.ToArray<float>();
        }
    }

    [Fact]
    public void A_trained_parameter_is_not_made_of_16_bits() =>
        Assert.Contains("Parameter w holds BFloat16", Assert.Throws<ShapeException>(() => new Parameter("w", Tensor.Ones([2], DType.BFloat16))).Message);

    static double Distance(float[] exact, float[] found)
    {
        double difference = 0, norm = 0;
        for (int i = 0; i < exact.Length; i++) (difference, norm) = (difference + Math.Pow(found[i] - exact[i], 2), norm + Math.Pow(exact[i], 2));
        return Math.Sqrt(difference / norm);
    }
}

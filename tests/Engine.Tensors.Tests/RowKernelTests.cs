namespace Engine.Tensors.Tests;

/// <summary>Softmax, norms, cross-entropy and rotary embedding against their formulas.</summary>
public sealed class SoftmaxTests
{
    [Theory]
    [InlineData(1, 0)]
    [InlineData(7, 1)]
    [InlineData(8, -1)]
    [InlineData(65, 2)]
    [InlineData(3001, -1)]
    public void Softmax_matches_the_formula(int length, int axis)
    {
        int[] extents = [3, 4, 5];
        extents[(axis + 3) % 3] = length;
        Shape shape = Shape.Create(extents);
        foreach (DType dtype in (DType[])[DType.Float32, DType.Float64])
        {
            foreach (double spread in (double[])[2, 1e4])
            {
                double tolerance = dtype == DType.Float32 ? 3e-6 : 1e-13;
                double[] x = Near.Draw((int)shape.ElementCount, 1, spread), dy = Near.Draw(x.Length, 2);
                Tensor tx = Tensor.From(x, shape).To(dtype), tdy = Tensor.From(dy, shape).To(dtype);
                double[] y = new double[x.Length], log = new double[x.Length], dx = new double[x.Length], dlog = new double[x.Length];
                Formula(shape, (axis + 3) % 3, x, dy, y, log, dx, dlog);
                Tensor softmax = Normalization.Softmax(tx, axis), logSoftmax = Normalization.LogSoftmax(tx, axis);
                Near.Check(softmax, y, tolerance, "softmax");
                Near.Check(logSoftmax, log, tolerance, "log softmax");
                Near.Check(Normalization.SoftmaxGradient(softmax, tdy, axis), dx, tolerance, "softmax gradient");
                Near.Check(Normalization.LogSoftmaxGradient(logSoftmax, tdy, axis), dlog, 10 * tolerance, "log softmax gradient");
            }
        }
    }

    static void Formula(Shape shape, int axis, double[] x, double[] dy, double[] y, double[] log, double[] dx, double[] dlog)
    {
        int length = shape[axis], inner = shape.DenseStrides()[axis];
        for (int first = 0; first < x.Length; first++)
        {
            if (first / inner % length != 0) continue;
            int[] places = [.. Enumerable.Range(0, length).Select(i => first + i * inner)];
            double largest = places.Max(i => x[i]), sum = places.Sum(i => Math.Exp(x[i] - largest)), total = places.Sum(i => dy[i]);
            foreach (int i in places) (log[i], y[i]) = (x[i] - largest - Math.Log(sum), Math.Exp(x[i] - largest) / sum);
            double dot = places.Sum(i => y[i] * dy[i]);
            foreach (int i in places) (dx[i], dlog[i]) = (y[i] * (dy[i] - dot), dy[i] - y[i] * total);
        }
    }

    [Fact]
    public void A_NaN_fills_its_row_and_no_other()
    {
        Tensor x = Tensor.Zeros([3, 11]);
        x.Reshape(-1).Slice(0, 11 + 9, 11 + 10).CopyFrom<float>([float.NaN]);
        float[] y = Normalization.Softmax(x).ToArray<float>();
        for (int i = 0; i < y.Length; i++) Assert.Equal(i / 11 == 1, float.IsNaN(y[i]));
    }

    [Fact]
    public void Nothing_gives_nothing()
    {
        Assert.Equal([0, 4], Normalization.Softmax(Tensor.Zeros([0, 4])).Shape);
        Assert.Equal([4, 0], Normalization.LogSoftmax(Tensor.Zeros([4, 0])).Shape);
        Assert.Throws<ShapeException>(() => Normalization.Softmax(Tensor.Zeros([4]), 1));
    }
}

public sealed class NormTests
{
    public static TheoryData<int, int, bool, bool> Cases() => new()
    {
        { 1, 1, true, true }, { 5, 7, true, true }, { 3, 8, false, false }, { 40, 65, true, false }, { 300, 128, true, true }, { 2, 3000, false, true },
    };

    [Theory, MemberData(nameof(Cases))]
    public void LayerNorm_matches_the_formula(int rows, int width, bool withGamma, bool withBeta) => Compare(rows, width, withGamma, withBeta, true);

    [Theory, MemberData(nameof(Cases))]
    public void RmsNorm_matches_the_formula(int rows, int width, bool withGamma, bool withBeta) => Compare(rows, width, withGamma, withBeta, false);

    static void Compare(int rows, int width, bool withGamma, bool withBeta, bool centred)
    {
        const float Epsilon = 1e-3f;
        double[] x = Near.Draw(rows * width, 1), dy = Near.Draw(rows * width, 2), gamma = Near.Draw(width, 3), beta = Near.Draw(width, 4);
        for (int i = 0; i < x.Length; i++) x[i] += 3;
        if (!withGamma) Array.Fill(gamma, 1);
        if (!withBeta || !centred) Array.Fill(beta, 0);
        double[] y = new double[x.Length], dx = new double[x.Length], dgamma = new double[width], dbeta = new double[width];
        for (int row = 0; row < rows; row++)
        {
            Span<double> at = x.AsSpan(row * width, width);
            double mean = 0, square = 0, sum = 0, dot = 0;
            foreach (double e in at) mean += centred ? e / width : 0;
            foreach (double e in at) square += (e - mean) * (e - mean) / width;
            double rstd = 1 / Math.Sqrt(square + Epsilon);
            for (int i = 0; i < width; i++)
            {
                double unit = (at[i] - mean) * rstd, d = dy[row * width + i];
                y[row * width + i] = unit * gamma[i] + beta[i];
                dgamma[i] += d * unit;
                dbeta[i] += d;
                sum += centred ? d * gamma[i] / width : 0;
                dot += d * gamma[i] * unit / width;
            }

            for (int i = 0; i < width; i++)
                dx[row * width + i] = rstd * (dy[row * width + i] * gamma[i] - sum - (at[i] - mean) * rstd * dot);
        }

        foreach (DType dtype in (DType[])[DType.Float32, DType.Float64])
        {
            // A gradient of a nearly constant row is a difference of large numbers times a large rstd.
            double tolerance = dtype == DType.Float32 ? 2e-5 : 1e-12;
            Shape shape = [rows, 1, width];
            Tensor tx = Tensor.From(x, shape).To(dtype), tdy = Tensor.From(dy, shape).To(dtype);
            Tensor? g = withGamma ? Tensor.From(gamma, [width]).To(dtype) : null, b = withBeta ? Tensor.From(beta, [width]).To(dtype) : null;
            Tensor result, tdx;
            Tensor? tdgamma, tdbeta = null;
            if (centred)
            {
                (result, Tensor mean, Tensor rstd) = Normalization.LayerNorm(tx, g, b, Epsilon);
                (tdx, tdgamma, tdbeta) = Normalization.LayerNormGradient(tdy, tx, g, mean, rstd, withGamma, withBeta);
            }
            else
            {
                (result, Tensor rstd) = Normalization.RmsNorm(tx, g, Epsilon);
                (tdx, tdgamma) = Normalization.RmsNormGradient(tdy, tx, g, rstd, withGamma);
            }

            Near.Check(result, y, tolerance, "y");
            Near.Check(tdx, dx, width == 1 ? 1e-3 : tolerance, "dx");
            Assert.Equal(withGamma, tdgamma is not null);
            if (tdgamma is not null) Near.Check(tdgamma, dgamma, tolerance, "dgamma");
            if (tdbeta is not null) Near.Check(tdbeta, dbeta, tolerance, "dbeta");
        }
    }

    [Fact]
    public void A_large_mean_costs_no_digits_of_the_variance()
    {
        float[] x = [.. Enumerable.Range(0, 64).Select(i => 100_000f + i % 2)];
        (Tensor y, _, _) = Normalization.LayerNorm(Tensor.From(x, [1, 64]), null, null, 0);
        Near.Check(y, [.. x.Select(v => v == 100_000f ? -1.0 : 1.0)], 1e-6, "y");
    }

    [Fact]
    public void Gamma_of_any_stride_and_no_rows_are_fine()
    {
        Tensor x = Tensor.From(Near.Draw(20, 1), [4, 5]), gamma = Tensor.From(Near.Draw(10, 2), [5, 2]).Select(1, 1);
        Assert.Equal(Normalization.RmsNorm(x, gamma.Clone()).Y.ToArray<double>(), Normalization.RmsNorm(x, gamma).Y.ToArray<double>());
        Tensor none = Tensor.Zeros([0, 5], DType.Float64);
        (_, Tensor mean, Tensor rstd) = Normalization.LayerNorm(none, gamma, null);
        (Tensor dx, Tensor? dgamma, _) = Normalization.LayerNormGradient(none, none, gamma, mean, rstd);
        Assert.Equal([0, 5], dx.Shape);
        Assert.Equal(new double[5], dgamma!.ToArray<double>());
        Assert.Throws<ShapeException>(() => Normalization.LayerNorm(x, gamma.Slice(0, 0, 4), null));
    }
}

public sealed class CrossEntropyTests
{
    public static TheoryData<int, int, double, bool> Cases()
    {
        TheoryData<int, int, double, bool> data = [];
        foreach (double smoothing in (double[])[0, 0.1, 1])
        {
            foreach (bool weighted in (bool[])[false, true])
            {
                data.Add(1, 1, smoothing, weighted);
                data.Add(9, 10, smoothing, weighted);
                data.Add(50, 33, smoothing, weighted);
                data.Add(3, 5001, smoothing, weighted);
            }
        }

        return data;
    }

    [Theory, MemberData(nameof(Cases))]
    public void Loss_and_gradient_match_the_formula(int rows, int classes, double smoothing, bool weighted)
    {
        const int Ignored = -7;
        double[] x = Near.Draw(rows * classes, 1, 4), w = [.. Near.Draw(classes, 2).Select(v => weighted ? Math.Abs(v) + 0.1 : 1)];
        int[] targets = [.. Enumerable.Range(0, rows).Select(r => r % 4 == 3 ? Ignored : r * 7 % classes)];
        double loss = 0, total = 0, s = (float)smoothing, all = w.Sum();
        double[] dx = new double[x.Length];
        for (int r = 0; r < rows; r++)
        {
            if (targets[r] == Ignored) continue;
            Span<double> row = x.AsSpan(r * classes, classes);
            double log = 0;
            foreach (double e in row) log += Math.Exp(e);
            log = Math.Log(log);
            double weight = w[targets[r]];
            total += weight;
            loss += (1 - s) * weight * (log - row[targets[r]]);
            for (int c = 0; c < classes; c++)
            {
                loss += s / classes * w[c] * (log - row[c]);
                double p = Math.Exp(row[c] - log);
                dx[r * classes + c] = (1 - s) * weight * (p - (c == targets[r] ? 1 : 0)) + s / classes * (all * p - w[c]);
            }
        }

        foreach (DType dtype in (DType[])[DType.Float32, DType.Float64])
        {
            double tolerance = dtype == DType.Float32 ? 1e-5 : 1e-12;
            Tensor logits = Tensor.From(x, [rows, classes]).To(dtype);
            Tensor? weights = weighted ? Tensor.From(w, [classes]).To(dtype) : null;
            CrossEntropyOptions options = new(Ignored, (float)smoothing);
            (Tensor result, CrossEntropySaved saved) = Losses.CrossEntropy(logits, Tensor.From(targets, [rows]), weights, options);
            Near.Check(result, [loss / total], tolerance, "loss");
            Tensor gradient = Losses.CrossEntropyGradient(Tensor.Scalar(2, dtype), logits, weights, options, saved);
            Near.Check(gradient, [.. dx.Select(d => 2 * d / total)], tolerance, "gradient");
        }
    }

    [Fact]
    public void Class_axis_may_come_second_of_many()
    {
        double[] x = Near.Draw(2 * 5 * 3 * 4, 1);
        long[] targets = [.. Enumerable.Range(0, 24).Select(i => (long)(i % 5))];
        Tensor images = Tensor.From(x, [2, 5, 3, 4]), labels = Tensor.From(targets, [2, 3, 4]);
        Tensor rows = images.Permute(0, 2, 3, 1).Contiguous().Reshape(24, 5);
        (Tensor loss, CrossEntropySaved saved) = Losses.CrossEntropy(images, labels);
        (Tensor flat, CrossEntropySaved flatSaved) = Losses.CrossEntropy(rows, labels.Reshape(24));
        Assert.Equal(flat.Item(), loss.Item());
        Tensor one = Tensor.Scalar(1, DType.Float64);
        Tensor dx = Losses.CrossEntropyGradient(one, images, null, null, saved), dflat = Losses.CrossEntropyGradient(one, rows, null, null, flatSaved);
        Assert.Equal(images.Shape, dx.Shape);
        Assert.Equal(dflat.ToArray<double>(), dx.Permute(0, 2, 3, 1).ToArray<double>());
        Near.Check(dx, Near.Differences(v => Losses.CrossEntropy(v, labels).Loss, x, images.Shape, [1]), 1e-8, "gradient");
    }

    [Fact]
    public void Extreme_logits_over_a_large_vocabulary_stay_finite()
    {
        const int Classes = 128_000;
        float[] x = new float[Classes];
        (x[5], x[Classes - 1], x[70_000]) = (1e4f, 1e4f, -1e4f);
        Tensor logits = Tensor.From(x, [1, Classes]), target = Tensor.From([5], [1]);
        (Tensor loss, CrossEntropySaved saved) = Losses.CrossEntropy(logits, target);
        Assert.Equal(Math.Log(2), loss.Item(), 2e-3);
        float[] gradient = Losses.CrossEntropyGradient(Tensor.Scalar(1), logits, null, null, saved).ToArray<float>();
        Assert.Equal(-0.5f, gradient[5], 1e-3f);
        Assert.Equal(0.5f, gradient[^1], 1e-3f);
        Assert.Equal(0, gradient[70_000]);
    }

    [Fact]
    public void Refuses_a_target_that_is_no_class()
    {
        Tensor logits = Tensor.Zeros([4, 10]);
        // Reading the loss waits for a GPU, which says so then.
        ShapeException thrown = Assert.Throws<ShapeException>(() => Losses.CrossEntropy(logits, Tensor.From([1, -100, 10, 3], [4])).Loss.Item());
        Assert.Contains(Device.Default.Kind == "cpu" ? "target 10 of row 2" : "10 at place 2", thrown.Message, StringComparison.Ordinal);
        Assert.Throws<ShapeException>(() => Losses.CrossEntropy(logits, Tensor.From([1, -1, 1, 3], [4])).Loss.Item());
        Assert.Throws<ShapeException>(() => Losses.CrossEntropy(logits, Tensor.From([1, 1], [2])));
        Assert.Throws<ShapeException>(() => Losses.CrossEntropy(logits, Tensor.From([1f, 1f, 1f, 1f], [4])));
    }

    [Fact]
    public void Without_a_row_that_counts_the_loss_is_NaN()
    {
        Assert.True(double.IsNaN(Losses.CrossEntropy(Tensor.Zeros([2, 3]), Tensor.From([-100, -100], [2])).Loss.Item()));
        Assert.True(double.IsNaN(Losses.CrossEntropy(Tensor.Zeros([0, 3]), Tensor.Zeros([0], DType.Int32)).Loss.Item()));
    }
}

public sealed class RotaryTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(12)]
    [InlineData(64)]
    public void Rotation_matches_the_formula_and_its_inverse_undoes_it(int width)
    {
        int half = width / 2;
        double[] x = Near.Draw(2 * 3 * 5 * width, 1), expected = new double[x.Length];
        for (int i = 0; i < x.Length; i++)
        {
            int d = i % width, n = i / width % 5;
            double angle = (4 + n) * Math.Pow(1000, -2.0 * (d % half) / width);
            double other = d < half ? -x[i + half] : x[i - half];
            expected[i] = x[i] * Math.Cos(angle) + other * Math.Sin(angle);
        }

        foreach (DType dtype in (DType[])[DType.Float32, DType.Float64])
        {
            (Tensor cosine, Tensor sine) = Rotary.Tables(1000, width, 4, 5, dtype: dtype);
            Tensor dense = Tensor.From(x, [2, 3, 5, width]).To(dtype), apart = dense.Permute(0, 2, 3, 1).Contiguous().Permute(0, 3, 1, 2);
            double tolerance = dtype == DType.Float32 ? 1e-6 : 1e-14;
            foreach (Tensor layout in (Tensor[])[dense, apart, dense.Permute(0, 2, 1, 3).Contiguous().Permute(0, 2, 1, 3)])
            {
                Tensor y = Rotary.Rotate(layout, cosine, sine);
                Near.Check(y, expected, tolerance, "y");
                Near.Check(Rotary.Rotate(y, cosine, sine, inverse: true), x, tolerance, "back");
            }
        }
    }

    [Fact]
    public void Stretched_frequencies_follow_the_rule_of_Llama_3()
    {
        // theta 500000, head size 128, the published factors of LLaMA 3.1; transformers' inverse frequencies at i = 0, 30, 63.
        RotaryScaling scaling = new(8, 1, 4, 8192);
        (_, Tensor sine) = Rotary.Tables(500_000, 128, 1, 1, scaling, DType.Float64);
        double[] angles = [.. sine.ToArray<double>().Select(Math.Asin)];
        double last = Math.Pow(500_000, -126.0 / 128);
        Assert.Equal(last / 8, angles[63], 1e-12);
        double middle = Math.Pow(500_000, -60.0 / 128), turns = 8192 * middle / (2 * Math.PI);
        Assert.InRange(turns, 1, 4);
        double mix = (turns - 1) / 3;
        Assert.Equal((1 - mix) * middle / 8 + mix * middle, angles[30], 1e-12);
        Assert.Equal(Math.Pow(500_000, -20.0 / 128), angles[10], 1e-12);
    }

    [Fact]
    public void Refuses_an_odd_head()
    {
        Assert.Throws<ShapeException>(() => Rotary.Tables(1e4, 7, 0, 3));
        Assert.Throws<ShapeException>(() => Rotary.Rotate(Tensor.Zeros([1, 1, 3, 7]), Tensor.Zeros([3, 3]), Tensor.Zeros([3, 3])));
    }
}

[Collection("threads")]
public sealed class RowKernelThreadTests
{
    [Fact]
    public void The_bits_do_not_depend_on_the_number_of_threads()
    {
        Tensor Numbers(params int[] shape)
        {
            Shape s = Shape.Create(shape);
            return Tensor.From(Near.Draw((int)s.ElementCount, 5).Select(x => (float)x).ToArray(), s);
        }

        Tensor x = Numbers(1000, 130), gamma = Numbers(130), q = Numbers(2, 6, 300, 32), k = Numbers(2, 2, 700, 32), mask = Numbers(6, 300, 700);
        Tensor labels = Tensor.From([.. Enumerable.Range(0, 1000).Select(i => i % 130)], [1000]);
        Same(() =>
        {
            (Tensor y, Tensor mean, Tensor rstd) = Normalization.LayerNorm(x, gamma, gamma);
            (Tensor dx, Tensor? dgamma, Tensor? dbeta) = Normalization.LayerNormGradient(x, y, gamma, mean, rstd);
            (Tensor loss, CrossEntropySaved saved) = Losses.CrossEntropy(x, labels);
            AttentionOptions options = new(0.2f, true);
            (Tensor a, Tensor log) = Attention.Forward(q, k, k, mask, options);
            var (dq, dk, dv, dm) = Attention.Gradient(q, q, k, k, mask, options, a, log, true);
            return [y, dx, dgamma!, dbeta!, Normalization.Softmax(x), loss, Losses.CrossEntropyGradient(loss, x, null, null, saved), a, log, dq, dk, dv, dm!];
        });
    }

    static void Same(Func<Tensor[]> compute)
    {
        int before = ThreadTeam.Threads;
        try
        {
            ThreadTeam.Threads = 1;
            float[][] one = [.. compute().Select(t => t.ToArray<float>())];
            foreach (int threads in new[] { 2, 3 })
            {
                ThreadTeam.Threads = threads;
                Tensor[] many = compute();
                for (int i = 0; i < one.Length; i++)
                    Assert.True(one[i].Select(BitConverter.SingleToInt32Bits).SequenceEqual(many[i].ToArray<float>().Select(BitConverter.SingleToInt32Bits)), $"result {i}, {threads} threads");
            }
        }
        finally
        {
            ThreadTeam.Threads = before;
        }
    }
}

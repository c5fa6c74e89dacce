namespace Engine.Tensors.Tests;

public sealed class ResamplingTests
{
    public static TheoryData<Interpolation, bool, bool> Modes() => new()
    {
        { Interpolation.Bilinear, false, false }, { Interpolation.Bilinear, true, false }, { Interpolation.Bilinear, false, true },
        { Interpolation.Bicubic, false, false }, { Interpolation.Bicubic, true, false }, { Interpolation.Bicubic, false, true },
        { Interpolation.Nearest, false, false },
    };

    [Theory, MemberData(nameof(Modes))]
    public void Weights_of_a_result_add_up_to_one(Interpolation mode, bool alignCorners, bool antialias)
    {
        foreach ((int from, int to) in new[] { (7, 14), (14, 7), (5, 3), (3, 5), (1, 4), (4, 1), (24, 16) })
        {
            double[] weights = Resampling.InterpolationWeights(from, to, mode, alignCorners, antialias);
            for (int i = 0; i < to; i++) Assert.Equal(1, weights.AsSpan(i * from, from).ToArray().Sum(), 12);
        }
    }

    [Theory, MemberData(nameof(Modes))]
    public void The_same_size_is_the_same_image(Interpolation mode, bool alignCorners, bool antialias)
    {
        double[] weights = Resampling.InterpolationWeights(6, 6, mode, alignCorners, antialias);
        for (int i = 0; i < 36; i++) Assert.Equal(i % 7 == 0 ? 1 : 0, weights[i], 12);
    }

    [Fact]
    public void Bilinear_doubling_has_its_well_known_weights()
    {
        double[] expected = [1, 0, 0.75, 0.25, 0.25, 0.75, 0, 1];
        Assert.Equal(expected, Resampling.InterpolationWeights(2, 4, Interpolation.Bilinear));
        double[] corners = [1, 0, 2.0 / 3, 1.0 / 3, 1.0 / 3, 2.0 / 3, 0, 1];
        Expect.Close(corners, Tensor.From(Resampling.InterpolationWeights(2, 4, Interpolation.Bilinear, alignCorners: true), [8]), 1e-14, 1e-14);
    }

    [Fact]
    public void Bicubic_weights_halfway_are_those_of_a_equal_to_minus_three_quarters()
    {
        // Keys' kernel at distances 0.5 and 1.5: 0.59375 and -0.09375 for a = -0.75.
        double[] weights = Resampling.InterpolationWeights(8, 4, Interpolation.Bicubic);
        Expect.Close([0, -0.09375, 0.59375, 0.59375, -0.09375, 0, 0, 0], Tensor.From(weights[8..16], [8]), 1e-14, 1e-14);
    }

    [Fact]
    public void Antialiased_halving_is_a_triangle_over_four_pixels()
    {
        double[] weights = Resampling.InterpolationWeights(8, 4, Interpolation.Bilinear, antialias: true);
        Expect.Close([0, 0.125, 0.375, 0.375, 0.125, 0, 0, 0], Tensor.From(weights[8..16], [8]), 1e-14, 1e-14);
    }

    [Fact]
    public void Cubic_interpolation_keeps_straight_lines_straight()
    {
        double[] ramp = [.. Enumerable.Range(0, 12).Select(i => (double)i)];
        Tensor x = Tensor.From(ramp, [1, 1, 1, 12]);
        double[] y = Resampling.Interpolate(x, 1, 24, Interpolation.Bicubic, antialias: true).ToArray<double>();
        for (int i = 6; i < 18; i++) Assert.Equal((i + 0.5) / 2 - 0.5, y[i], 10);
    }

    [Fact]
    public void Both_axes_are_resized_and_the_transposed_matrices_are_the_gradient()
    {
        Sample x = Layouts.Make("permuted", DType.Float64, 1, 2, 3, 5, 4);
        Tensor rows = Resampling.InterpolationMatrix(5, 7, Interpolation.Bicubic, dtype: DType.Float64);
        Tensor columns = Resampling.InterpolationMatrix(4, 3, Interpolation.Bicubic, dtype: DType.Float64);
        Tensor y = Resampling.Interpolate(x.Tensor, 7, 3, Interpolation.Bicubic);
        double[] r = rows.ToArray<double>(), c = columns.ToArray<double>(), expected = new double[y.ElementCount];
        int i = 0;
        foreach (int[] at in Layouts.Coordinates(y.Shape))
        {
            for (int h = 0; h < 5; h++)
                for (int w = 0; w < 4; w++) expected[i] += r[at[2] * 5 + h] * c[at[3] * 4 + w] * x.At([at[0], at[1], h, w]);
            i++;
        }

        Expect.Close(expected, y, 1e-12, 1e-13);

        // <dy, A x> = <A^T dy, x>
        Tensor dy = Layouts.Make("dense", DType.Float64, 2, [.. y.Shape]).Tensor;
        double left = Reduction.Sum(dy * y).Item(), right = Reduction.Sum(Resampling.Apply(dy, rows.Transpose(), columns.Transpose()) * x.Tensor).Item();
        Assert.Equal(left, right, 10);
    }

    [Fact]
    public void Refuses_empty_images_and_senseless_options()
    {
        Assert.Throws<ShapeException>(() => Resampling.InterpolationWeights(0, 3, Interpolation.Bilinear));
        Assert.Throws<ShapeException>(() => Resampling.InterpolationWeights(3, 0, Interpolation.Bilinear));
        Assert.Throws<ShapeException>(() => Resampling.InterpolationWeights(3, 3, Interpolation.Nearest, antialias: true));
        Assert.Throws<ShapeException>(() => Resampling.Interpolate(Tensor.Zeros([3, 3]), 2, 2, Interpolation.Bilinear));
    }
}

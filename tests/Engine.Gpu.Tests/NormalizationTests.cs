using Engine.Tensors;
using Engine.Testing;

namespace Engine.Gpu.Tests;

public sealed class NormalizationTests
{
    static readonly (int Rows, int Length)[] Softmaxes = [(1, 1), (300, 7), (3, 16), (5, 17), (9, 129), (1100, 49), (3, 1025), (2, 3001)];

    [Theory]
    [InlineData(DType.Float32, 4e-6)]
    [InlineData(DType.Float64, 1e-12)]
    public void Softmax_and_its_gradients_agree_with_the_cpu(DType dtype, double tolerance)
    {
        foreach ((int rows, int length) in Softmaxes)
        {
            foreach (double spread in (double[])[2, 1e4])
            {
                Tensor x = RowsOnDevice.Draw([rows, length], 1, spread, dtype), dy = RowsOnDevice.Draw([rows, length], 2, 2, dtype);
                RowsOnDevice.Agrees(
                    place =>
                    {
                        Tensor y = Normalization.Softmax(place(x)), log = Normalization.LogSoftmax(place(x));
                        return [y, log, Normalization.SoftmaxGradient(y, place(dy)), Normalization.LogSoftmaxGradient(log, place(dy)), Normalization.Softmax(place(x), 0)];
                    },
                    tolerance, 10 * tolerance, $"[{rows}, {length}] spread {spread}");
            }
        }
    }

    [Theory]
    [InlineData(11)]
    [InlineData(100)]
    [InlineData(1500)]
    public void Minus_infinity_counts_nothing_and_a_NaN_fills_its_row(int length)
    {
        Tensor x = RowsOnDevice.Draw([5, length]);
        x.AsSpan<float>()[..(length - 1)].Fill(float.NegativeInfinity);
        x.AsSpan<float>()[length + length / 2] = float.NaN;
        x.AsSpan<float>()[2 * length + 3] = float.PositiveInfinity;
        x.AsSpan<float>().Slice(3 * length, length).Fill(float.NegativeInfinity);
        RowsOnDevice.Agrees(place => [Normalization.Softmax(place(x)), Normalization.LogSoftmax(place(x))], 4e-6, 4e-6, $"length {length}");
    }

    static readonly (int Rows, int Length)[] Norms = [(1, 1), (5, 7), (3, 16), (40, 65), (300, 192), (1100, 129), (2, 1500)];

    [Theory]
    [InlineData(DType.Float32, 5e-6)]
    [InlineData(DType.Float64, 1e-12)]
    public void Norms_and_their_gradients_agree_with_the_cpu(DType dtype, double tolerance)
    {
        foreach ((int rows, int length) in Norms)
        {
            Tensor x = RowsOnDevice.Draw([rows, length], 1, 2, dtype), dy = RowsOnDevice.Draw([rows, length], 2, 2, dtype);
            Tensor parameters = RowsOnDevice.Draw([length, 2], 3, 2, dtype);
            foreach (bool withParameters in (bool[])[true, false])
            {
                RowsOnDevice.Agrees(
                    place =>
                    {
                        // A column of a matrix, and one read backwards.
                        Tensor? gamma = withParameters ? place(parameters).Select(1, 0) : null, beta = withParameters ? place(parameters).Flip(0).Select(1, 1) : null;
                        (Tensor y, Tensor mean, Tensor rstd) = Normalization.LayerNorm(place(x), gamma, beta);
                        (Tensor dx, Tensor? dgamma, Tensor? dbeta) = Normalization.LayerNormGradient(place(dy), place(x), gamma, mean, rstd);
                        (Tensor z, Tensor scale) = Normalization.RmsNorm(place(x), gamma);
                        (Tensor dz, Tensor? dg) = Normalization.RmsNormGradient(place(dy), place(x), gamma, scale);
                        return [y, mean, rstd, dx, dgamma!, dbeta!, z, scale, dz, dg!];
                    },
                    tolerance, tolerance * Math.Sqrt(rows) * 4, $"[{rows}, {length}]");
            }
        }
    }

    [Fact]
    public void A_large_mean_costs_no_digits_of_the_variance()
    {
        Tensor x = RowsOnDevice.Draw([40, 768]) + 4096;
        RowsOnDevice.Agrees(
            place =>
            {
                (Tensor y, Tensor mean, Tensor rstd) = Normalization.LayerNorm(place(x), null, null);
                return [y, mean, rstd];
            },
            1e-3, 1e-3, "mean 4096");
    }

    [Fact]
    public void Rows_of_sixteen_bits_are_computed_in_thirty_two()
    {
        foreach (DType dtype in (DType[])[DType.BFloat16, DType.Float16])
        {
            double tolerance = dtype == DType.BFloat16 ? 1e-2 : 2e-3;
            Tensor x = RowsOnDevice.Draw([9, 200]).To(dtype), gamma = RowsOnDevice.Draw([200], 3).To(dtype), dy = RowsOnDevice.Draw([9, 200], 2).To(dtype);
            Tensor there = x.To(RowsOnDevice.Device), g = gamma.To(RowsOnDevice.Device), d = dy.To(RowsOnDevice.Device);
            Tensor wide = x.To(DType.Float32), wideGamma = gamma.To(DType.Float32), wideDy = dy.To(DType.Float32);
            Tensor y = there.EmptyLike(), dx = there.EmptyLike();
            Tensor Sums(int length) => Tensor.Empty([length], DType.Float32, there.Device);
            Tensor mean = Sums(9), rstd = Sums(9), dgamma = Sums(200), dbeta = Sums(200);
            y.Backend.Softmax(false, there, y);
            Check(y, Normalization.Softmax(wide), "softmax");
            y.Backend.LayerNorm(there, g, null, 1e-5f, y, mean, rstd);
            (Tensor referenceY, Tensor referenceMean, Tensor referenceRstd) = Normalization.LayerNorm(wide, wideGamma, null);
            Check(y, referenceY, "layer norm");
            y.Backend.LayerNormGradient(d, there, g, mean, rstd, dx, dgamma, dbeta);
            (Tensor referenceDX, Tensor? referenceDGamma, _) = Normalization.LayerNormGradient(wideDy, wide, wideGamma, referenceMean, referenceRstd);
            Check(dx, referenceDX, "dx");
            Check(dgamma, referenceDGamma!, "dgamma");

            void Check(Tensor ours, Tensor reference, string what) =>
                TensorAssert.Close(ours.To(DType.Float32), reference, tolerance, 8 * tolerance, $"{dtype} {what}");
        }
    }
}

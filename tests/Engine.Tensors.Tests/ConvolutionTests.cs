namespace Engine.Tensors.Tests;

public sealed class ConvolutionTests
{
    // channels, out channels, height, width, kernel h, kernel w, stride, padding, dilation, groups
    public static TheoryData<int[]> Cases()
    {
        int[][] cases =
        [
            [3, 4, 7, 6, 3, 3, 1, 1, 1, 1], [3, 4, 8, 9, 3, 2, 2, 1, 1, 1], [4, 6, 7, 7, 3, 3, 1, 2, 2, 2], [4, 4, 5, 5, 3, 3, 1, 1, 1, 4],
            [3, 5, 8, 12, 4, 4, 4, 0, 1, 1], [2, 3, 9, 10, 4, 4, 4, 0, 1, 1], [5, 2, 4, 3, 1, 1, 1, 0, 1, 1], [2, 2, 5, 5, 2, 2, 3, 2, 1, 1],
        ];
        TheoryData<int[]> data = [];
        foreach (int[] row in cases) data.Add(row);
        return data;
    }

    static (double[] Y, double[] Dx, double[] Dw) Naive(Sample x, Sample w, Sample dy, int[] c)
    {
        (int stride, int padding, int dilation, int groups) = (c[6], c[7], c[8], c[9]);
        double[] y = new double[dy.Values.Length], dx = new double[x.Values.Length], dw = new double[w.Values.Length];
        int i = 0;
        foreach (int[] at in Layouts.Coordinates(dy.Shape))
        {
            int first = at[1] / (c[1] / groups) * (c[0] / groups);
            foreach (int[] k in Layouts.Coordinates(w.Shape[1..]))
            {
                int row = at[2] * stride - padding + k[1] * dilation, column = at[3] * stride - padding + k[2] * dilation;
                if (row < 0 || column < 0 || row >= c[2] || column >= c[3]) continue;
                int xi = ((at[0] * c[0] + first + k[0]) * c[2] + row) * c[3] + column;
                int wi = ((at[1] * w.Shape[1] + k[0]) * c[4] + k[1]) * c[5] + k[2];
                y[i] += x.Values[xi] * w.Values[wi];
                dx[xi] += dy.Values[i] * w.Values[wi];
                dw[wi] += dy.Values[i] * x.Values[xi];
            }

            i++;
        }

        return (y, dx, dw);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Convolution_and_its_gradients_match_loops(int[] c)
    {
        (int stride, int padding, int dilation, int groups) = (c[6], c[7], c[8], c[9]);
        foreach (string layout in new[] { "dense", "permuted" })
        {
            foreach (DType dtype in new[] { DType.Float32, DType.Float64 })
            {
                Sample x = Layouts.Make(layout, dtype, 1, 2, c[0], c[2], c[3]), w = Layouts.Make(layout, dtype, 2, c[1], c[0] / groups, c[4], c[5]);
                Sample bias = Layouts.Make("dense", dtype, 3, c[1]);
                Tensor y = Convolution.Conv2d(x.Tensor, w.Tensor, null, stride, padding, dilation, groups);
                Sample dy = Layouts.Make(layout, dtype, 4, [.. y.Shape]);
                (double[] ey, double[] ex, double[] ew) = Naive(x, w, dy, c);
                double slack = dtype == DType.Float64 ? 1e-12 : 1e-4;
                Expect.Close(ey, y, 0, slack);
                int plane = y.Shape[2] * y.Shape[3];
                Expect.Close([.. ey.Select((v, i) => v + bias.Values[i / plane % c[1]])],
                    Convolution.Conv2d(x.Tensor, w.Tensor, bias.Tensor, stride, padding, dilation, groups), 0, slack);
                Expect.Close(ex, Convolution.Conv2dInputGradient(dy.Tensor, w.Tensor, x.Shape, stride, padding, dilation, groups), 0, slack);
                Expect.Close(ew, Convolution.Conv2dWeightGradient(dy.Tensor, x.Tensor, w.Shape, stride, padding, dilation, groups), 0, slack);
            }
        }
    }

    [Fact]
    public void Patch_tokens_cost_no_copy()
    {
        Tensor y = Convolution.Conv2d(Tensor.Ones([2, 3, 8, 8]), Tensor.Ones([5, 3, 4, 4]), stride: 4);
        Assert.Equal([2, 5, 2, 2], y.Shape);
        Assert.Same(y.Storage, y.Reshape(2, 5, 4).Transpose().Reshape(2, 4, 5).Storage);
        Assert.True(y.Reshape(2, 5, 4).Transpose().IsContiguous);
    }

    [Fact]
    public void Refuses_what_does_not_fit()
    {
        Tensor x = Tensor.Zeros([1, 3, 4, 4]);
        Assert.Contains("[2, 4, 3, 3]", Assert.Throws<ShapeException>(() => Convolution.Conv2d(x, Tensor.Zeros([2, 4, 3, 3]))).Message);
        Assert.Throws<ShapeException>(() => Convolution.Conv2d(x, Tensor.Zeros([2, 3, 5, 5])));
        Assert.Throws<ShapeException>(() => Convolution.Conv2d(x, Tensor.Zeros([2, 3, 3, 3]), Tensor.Zeros([3])));
        Assert.Throws<ShapeException>(() => Convolution.Conv2d(x, Tensor.Zeros([2, 3, 3, 3]), stride: 0));
        Assert.Throws<ShapeException>(() => Convolution.Conv2d(x, Tensor.Zeros([3, 3, 3, 3]), groups: 2));
    }

    [Theory]
    [InlineData(3, 2, 1)]
    [InlineData(2, 2, 0)]
    [InlineData(3, 1, 1)]
    public void Pooling_and_its_gradients_match_loops(int kernel, int stride, int padding)
    {
        WindowOptions window = new(kernel, kernel, stride, padding);
        Sample x = Layouts.Make("permuted", DType.Float64, 1, 2, 3, 7, 8);
        (Tensor y, Tensor places) = Pooling.MaxPool2d(x.Tensor, window);
        Sample dy = Layouts.Make("dense", DType.Float64, 2, [.. y.Shape]);
        double[] largest = new double[dy.Values.Length], mean = new double[dy.Values.Length];
        double[] fromLargest = new double[x.Values.Length], fromMean = new double[x.Values.Length];
        int i = 0;
        foreach (int[] at in Layouts.Coordinates(y.Shape))
        {
            int best = -1;
            for (int k = 0; k < kernel * kernel; k++)
            {
                int row = at[2] * stride - padding + k / kernel, column = at[3] * stride - padding + k % kernel;
                if (row < 0 || column < 0 || row >= 7 || column >= 8) continue;
                int place = ((at[0] * 3 + at[1]) * 7 + row) * 8 + column;
                mean[i] += x.Values[place] / (kernel * kernel);
                fromMean[place] += dy.Values[i] / (kernel * kernel);
                if (best < 0 || x.Values[place] > x.Values[best]) best = place;
            }

            largest[i] = x.Values[best];
            fromLargest[best] += dy.Values[i++];
        }

        Expect.Close(largest, y, 0);
        Expect.Close(fromLargest, Pooling.MaxPool2dGradient(dy.Tensor, places, x.Shape, window), 1e-12);
        Expect.Close(mean, Pooling.AveragePool2d(x.Tensor, window), 1e-12, 1e-14);
        Expect.Close(fromMean, Pooling.AveragePool2dGradient(dy.Tensor, x.Shape, window), 1e-12, 1e-14);
    }

    [Theory]
    [InlineData(7, 3)]
    [InlineData(6, 2)]
    [InlineData(3, 5)]
    [InlineData(4, 1)]
    public void Adaptive_means_cover_torchs_areas(int from, int to)
    {
        double[] matrix = Resampling.AverageMatrix(from, to, DType.Float64).ToArray<double>();
        for (int i = 0; i < to; i++)
        {
            int begin = (int)Math.Floor((double)i * from / to), end = (int)Math.Ceiling((i + 1.0) * from / to);
            for (int j = 0; j < from; j++) Assert.Equal(j >= begin && j < end ? 1.0 / (end - begin) : 0, matrix[i * from + j], 12);
        }

        Sample x = Layouts.Make("dense", DType.Float64, 1, 1, 1, from, from);
        Assert.Equal([1, 1, to, to], Pooling.AdaptiveAveragePool2d(x.Tensor, to, to).Shape);
        Expect.Close([x.Values.Average()], Pooling.AdaptiveAveragePool2d(x.Tensor, 1, 1), 1e-12, 1e-14);
    }
}

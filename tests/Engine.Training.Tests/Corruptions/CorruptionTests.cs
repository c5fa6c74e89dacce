namespace Engine.Training.Tests;

public sealed class CorruptionTests
{
    public static TheoryData<CorruptionScale, int, double> Deviations { get; } = new()
    {
        { CorruptionScale.Cifar, 1, 0.04 }, { CorruptionScale.Cifar, 2, 0.06 }, { CorruptionScale.Cifar, 3, 0.08 }, { CorruptionScale.Cifar, 4, 0.09 }, { CorruptionScale.Cifar, 5, 0.10 },
        { CorruptionScale.TinyImageNet, 1, 0.04 }, { CorruptionScale.TinyImageNet, 5, 0.18 },
        { CorruptionScale.ImageNet, 1, 0.08 }, { CorruptionScale.ImageNet, 2, 0.12 }, { CorruptionScale.ImageNet, 3, 0.18 }, { CorruptionScale.ImageNet, 4, 0.26 }, { CorruptionScale.ImageNet, 5, 0.38 },
    };

    [Theory, MemberData(nameof(Deviations))]
    public void Noise_has_the_published_deviation_less_what_clipping_takes(CorruptionScale scale, int severity, double deviation)
    {
        const int side = 96, level = 127;
        var image = Training.Corruptions.Apply(Grey(side, level), Corruption.GaussianNoise, severity, scale, seed: 3, index: 5);
        double[] values = [.. image.Pixels.Select(value => value / 255.0)];
        double mean = values.Average(), variance = values.Sum(value => (value - mean) * (value - mean)) / values.Length;
        var (expectedMean, expectedVariance) = ClippedNormal(level / 255.0, deviation);
        Assert.Equal(expectedMean, mean, 4 * deviation / Math.Sqrt(values.Length) + 1e-4);
        // The relative error of a variance from n samples is about sqrt(2 / n); rounding to 8 bits adds 1 / (12 * 255^2).
        Assert.Equal(1, (variance - 1 / (12.0 * 255 * 255)) / expectedVariance, 5 * Math.Sqrt(2.0 / values.Length));
    }

    [Fact]
    public void Noise_differs_from_channel_to_channel_and_image_to_image()
    {
        var image = Training.Corruptions.Apply(Grey(32, 128), Corruption.GaussianNoise, 3, 1, 0);
        Assert.Contains(Enumerable.Range(0, 32), x => image[x, 7].R != image[x, 7].G);
        Assert.NotEqual(image.Pixels, Training.Corruptions.Apply(Grey(32, 128), Corruption.GaussianNoise, 3, 1, 1).Pixels);
        Assert.NotEqual(image.Pixels, Training.Corruptions.Apply(Grey(32, 128), Corruption.GaussianNoise, 3, 2, 0).Pixels);
    }

    // Pixels (x, y) with x^2 + y^2 <= r^2, counted by hand: the Gauss circle problem, OEIS A000328.
    [Theory]
    [InlineData(CorruptionScale.ImageNet, 1, 29)]
    [InlineData(CorruptionScale.TinyImageNet, 2, 5)]
    [InlineData(CorruptionScale.TinyImageNet, 3, 9)]       // r = 1.5
    [InlineData(CorruptionScale.TinyImageNet, 4, 21)]      // r = 2.5
    public void A_hardly_smoothed_kernel_is_a_disc_of_equal_weights(CorruptionScale scale, int severity, int pixels)
    {
        var kernel = DefocusBlur.Kernel(scale, severity);
        float[] weights = [.. Weights(kernel)];
        Assert.Equal(1, weights.Sum(), 1e-5);
        Assert.Equal(pixels, weights.Count(weight => weight > 1e-6));
        Assert.All(weights.Where(weight => weight > 1e-6), weight => Assert.Equal(1f / pixels, weight, 1e-6f));
    }

    [Fact]
    public void Smoothing_is_a_gaussian_over_the_disc()
    {
        // r = 0.3: one pixel; so the kernel is the Gaussian of deviation 0.4 itself, 3 x 3 taps.
        var kernel = DefocusBlur.Kernel(CorruptionScale.Cifar, 1);
        double side = Math.Exp(-1 / (2 * 0.4 * 0.4)), sum = 1 + 2 * side;
        Assert.Equal(1, kernel.Reach);
        Assert.Equal(1 / (sum * sum), kernel[1, 1], 1e-6);
        Assert.Equal(side / (sum * sum), kernel[0, 1], 1e-6);
        Assert.Equal(side * side / (sum * sum), kernel[2, 2], 1e-6);
    }

    [Theory]
    [InlineData(CorruptionScale.Cifar)]
    [InlineData(CorruptionScale.TinyImageNet)]
    [InlineData(CorruptionScale.ImageNet)]
    public void Kernels_are_symmetric_sum_to_one_and_grow(CorruptionScale scale)
    {
        double spread = 0;
        for (int severity = 1; severity <= 5; severity++)
        {
            var kernel = DefocusBlur.Kernel(scale, severity);
            Assert.Equal(1, Weights(kernel).Sum(), 1e-5);
            double secondMoment = 0;
            for (int y = 0; y < kernel.Side; y++)
                for (int x = 0; x < kernel.Side; x++)
                {
                    Assert.Equal(kernel[x, y], kernel[y, x]);
                    Assert.Equal(kernel[x, y], kernel[kernel.Side - 1 - x, y], 1e-8f);
                    secondMoment += kernel[x, y] * ((x - kernel.Reach) * (x - kernel.Reach) + (y - kernel.Reach) * (y - kernel.Reach));
                }
            Assert.True(secondMoment > spread, $"severity {severity}");
            spread = secondMoment;
        }
    }

    [Fact]
    public void Blur_spreads_a_point_into_the_kernel_and_mirrors_at_the_edge()
    {
        var image = new RgbImage(41, 33);
        image.Row(16)[20 * 3] = 255;
        var blurred = Training.Corruptions.Apply(image, Corruption.DefocusBlur, 3, CorruptionScale.ImageNet, 0, 0);
        var kernel = DefocusBlur.Kernel(CorruptionScale.ImageNet, 3);
        for (int y = 0; y < 33; y++)
            for (int x = 0; x < 41; x++)
            {
                int column = x - 20 + kernel.Reach, row = y - 16 + kernel.Reach;
                bool inside = column >= 0 && column < kernel.Side && row >= 0 && row < kernel.Side;
                Assert.Equal(inside ? kernel[column, row] * 255 : 0, blurred[x, y].R, 0.5001);
                Assert.Equal(0, blurred[x, y].G);
            }

        // About its edge pixel 1 2 4 | mirrors to 2: a column of light at x = 1 counts twice for x = 0 (radius 1: a plus sign).
        var edge = new RgbImage(48, 48);
        for (int y = 0; y < 48; y++)
            edge.Row(y)[3] = 250;
        var atEdge = Training.Corruptions.Apply(edge, Corruption.DefocusBlur, 2, CorruptionScale.TinyImageNet, 0, 0);
        Assert.Equal((100, 150, 50, 0), (atEdge[0, 20].R, atEdge[1, 20].R, atEdge[2, 20].R, atEdge[3, 20].R));
    }

    [Fact]
    public void Brightness_raises_the_value_of_hsv_and_keeps_hue_and_saturation()
    {
        // Severity 3 of ImageNet-C: V + 0.3. (51, 102, 0): V = 0.4 -> 0.7, all times 1.75. (0, 0, 204): V = 0.8 -> 1.
        var image = new RgbImage(4, 1, [51, 102, 0, 0, 0, 204, 0, 0, 0, 255, 255, 255]);
        var bright = Training.Corruptions.Apply(image, Corruption.Brightness, 3, CorruptionScale.ImageNet, 0, 0);
        Assert.Equal([89, 179, 0, 0, 0, 255, 77, 77, 77, 255, 255, 255], bright.Pixels);   // 89.25, 178.5, 76.5
        var slight = Training.Corruptions.Apply(image, Corruption.Brightness, 1, CorruptionScale.Cifar, 0, 0);
        Assert.Equal([57, 115, 0], slight.Pixels[..3]);                                     // times 1.125: 57.4, 114.75
    }

    [Theory]
    [InlineData(1, 3.0)]
    [InlineData(64, 3.0)]
    [InlineData(224, 1.4)]
    public void A_plasma_fractal_fills_zero_to_one_on_a_torus(int extent, double decay)
    {
        var cloud = new PlasmaFractal(extent, decay, new Tensors.Philox(4, 9));
        Assert.True(cloud.Side >= extent && cloud.Side < Math.Max(2 * extent, 3) && int.IsPow2(cloud.Side));
        float low = 1, high = 0;
        for (int y = 0; y < cloud.Side; y++)
            foreach (float value in cloud.Row(y))
                (low, high) = (Math.Min(low, value), Math.Max(high, value));
        Assert.Equal((0f, 1f), (low, high));

        // Opposite borders are neighbours: the step over the border is like those inside.
        if (extent < 64)
            return;
        double across = 0, inside = 0;
        for (int y = 0; y < cloud.Side; y++)
        {
            across += Math.Abs(cloud.Row(y)[^1] - cloud.Row(y)[0]);
            inside += Math.Abs(cloud.Row(y)[1] - cloud.Row(y)[0]);
        }
        Assert.InRange(across / inside, 0.5, 2);
    }

    [Fact]
    public void A_larger_decay_makes_a_smoother_cloud()
    {
        Assert.True(Roughness(1.5) > Roughness(2));
        Assert.True(Roughness(2) > Roughness(3));

        static double Roughness(double decay)
        {
            var cloud = new PlasmaFractal(128, decay, new Tensors.Philox(1, 1));
            double sum = 0;
            for (int y = 0; y < 128; y++)
                for (int x = 1; x < 128; x++)
                    sum += Math.Abs(cloud.Row(y)[x] - cloud.Row(y)[x - 1]);
            return sum;
        }
    }

    [Fact]
    public void Fog_lies_between_its_bounds_and_is_the_same_for_all_channels()
    {
        // (x + d * cloud) * m / (m + d) with cloud in 0 .. 1, x = 0.6 and m = 0.8, d = 2.5 (ImageNet-C, severity 3).
        var image = Grey(128, 153);
        image.Row(0)[0] = 204;
        var fog = Training.Corruptions.Apply(image, Corruption.Fog, 3, CorruptionScale.ImageNet, 1, 1);
        const double scale = 0.8 / (0.8 + 2.5);
        for (int y = 1; y < 128; y++)
            for (int x = 0; x < 128; x++)
            {
                var (red, green, blue) = fog[x, y];
                Assert.True(red == green && green == blue);
                Assert.InRange(red, 255 * 0.6 * scale - 0.51, 255 * 3.1 * scale + 0.51);
            }
        Assert.All(Training.Corruptions.Apply(new RgbImage(40, 30), Corruption.Fog, 5, 1, 1).Pixels, value => Assert.Equal(0, value));
    }

    [Theory]
    [InlineData(32)]
    [InlineData(64)]
    [InlineData(224)]
    public void Damage_grows_with_the_severity(int size)
    {
        // Clouds are drawn anew for each severity, so the damage of fog grows in the mean over images.
        var clean = Enumerable.Range(0, size > 100 ? 4 : 24).Select(i => DrawnDomains.Draw(1, DrawnSplit.Test, DrawnDomain.Photo, i, size)).ToArray();
        foreach (var corruption in Training.Corruptions.All)
        {
            double last = 0;
            for (int severity = 1; severity <= 5; severity++)
            {
                double damage = clean.Select((image, i) => Damage(image, Training.Corruptions.Apply(image, corruption, severity, 7, i))).Average();
                Assert.True(damage > last, $"{corruption} {severity}: {damage} after {last}");
                last = damage;
            }

            // A thicker fog is greyer, not farther from the image, and the next may only be rougher: what grows is the part of
            // its edges that the image's do not explain.
            double Damage(RgbImage image, RgbImage corrupted) => corruption == Corruption.Fog ? Unexplained(image, corrupted) : Difference(image, corrupted);
        }
    }

    [Fact]
    public void The_set_of_strengths_is_the_one_for_the_size()
    {
        Assert.Equal(CorruptionScale.Cifar, CorruptionScales.Of(new RgbImage(32, 32)));
        Assert.Equal(CorruptionScale.Cifar, CorruptionScales.Of(new RgbImage(45, 300)));
        Assert.Equal(CorruptionScale.TinyImageNet, CorruptionScales.Of(new RgbImage(64, 64)));
        Assert.Equal(CorruptionScale.TinyImageNet, CorruptionScales.Of(new RgbImage(500, 119)));
        Assert.Equal(CorruptionScale.ImageNet, CorruptionScales.Of(new RgbImage(120, 160)));
        Assert.Equal(CorruptionScale.ImageNet, CorruptionScales.Of(new RgbImage(224, 224)));
    }

    [Fact]
    public void A_dataset_is_corrupted_alike_on_any_number_of_threads()
    {
        var drawn = new DrawnDomains(1, DrawnSplit.Test, [DrawnDomain.Photo], 40, size: 40);
        var preprocessing = Preprocessing.Plain(32) with { CropFraction = 0.875, CropMode = CropMode.Center };
        foreach (var corruption in Training.Corruptions.All)
        {
            var corrupted = new CorruptedDataset(drawn, corruption, 4, preprocessing, seed: 2);
            var one = Pixels(corrupted, 1);
            Assert.Equal(one, Pixels(corrupted, 5));
            var prepared = corrupted.Load(3);
            Assert.Equal((32, 32), (prepared.Width, prepared.Height));
            Assert.Equal(Training.Corruptions.Apply(preprocessing.Prepare(drawn.Load(3)), corruption, 4, 2, 3).Pixels, prepared.Pixels);
            Assert.Equal(drawn.Label(3), corrupted.Label(3));
            Assert.EndsWith($"under {corruption.Word()} 4", corrupted.Describe(3), StringComparison.Ordinal);

            List<float> Pixels(IImageDataset images, int threads)
            {
                var loader = new BatchLoader(images, CorruptedDataset.AsPrepared(preprocessing), new BatchLoaderOptions { BatchSize = 16, Threads = threads });
                List<float> pixels = [];
                foreach (var batch in loader.Epoch(0))
                    using (batch)
                        pixels.AddRange(batch.Pixels);
                return pixels;
            }
        }
    }

    [Fact]
    public void A_prepared_image_is_taken_as_it_is()
    {
        var preprocessing = Preprocessing.Plain(32) with { CropFraction = 0.875, CropMode = CropMode.Center };
        var image = DrawnDomains.Draw(1, DrawnSplit.Test, DrawnDomain.Photo, 1, 32);
        Assert.NotEqual(image.Pixels, preprocessing.Prepare(image).Pixels);
        Assert.Equal(image.Pixels, CorruptedDataset.AsPrepared(preprocessing).Prepare(image).Pixels);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(6)]
    public void A_severity_that_is_none_is_refused(int severity) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Training.Corruptions.Apply(Grey(8, 1), Corruption.Fog, severity, 0, 0));

    static RgbImage Grey(int side, byte level)
    {
        var image = new RgbImage(side, side);
        image.Pixels.AsSpan().Fill(level);
        return image;
    }

    static IEnumerable<float> Weights(DiscKernel kernel)
    {
        for (int y = 0; y < kernel.Side; y++)
            for (int x = 0; x < kernel.Side; x++)
                yield return kernel[x, y];
    }

    static double Difference(RgbImage a, RgbImage b) =>
        Math.Sqrt(a.Pixels.Zip(b.Pixels, (x, y) => (double)(x - y) * (x - y)).Average());

    /// <summary>The share of the edges of b, steps to the right neighbour, that is no multiple of those of a.</summary>
    static double Unexplained(RgbImage a, RgbImage b)
    {
        double aa = 0, ab = 0, bb = 0;
        for (int y = 0; y < a.Height; y++)
            for (int x = 1; x < a.Width; x++)
            {
                double inA = a[x, y].G - a[x - 1, y].G, inB = b[x, y].G - b[x - 1, y].G;
                (aa, ab, bb) = (aa + inA * inA, ab + inA * inB, bb + inB * inB);
            }
        return 1 - ab * ab / (aa * bb);
    }

    /// <summary>Mean and variance of clip(mean + N(0, deviation^2), 0, 1), by the trapezium rule.</summary>
    static (double Mean, double Variance) ClippedNormal(double mean, double deviation)
    {
        const int steps = 200_000;
        const double reach = 8;
        double weight = 0, first = 0, second = 0;
        for (int i = 0; i <= steps; i++)
        {
            double z = reach * (2.0 * i / steps - 1), density = Math.Exp(-z * z / 2), value = Math.Clamp(mean + deviation * z, 0, 1);
            weight += density;
            first += density * value;
            second += density * value * value;
        }
        return (first / weight, second / weight - first / weight * (first / weight));
    }
}

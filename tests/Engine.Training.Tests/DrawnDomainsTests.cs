namespace Engine.Training.Tests;

public sealed class DrawnDomainsTests
{
    const ulong Seed = 11;

    [Fact]
    public void An_image_is_a_function_of_its_number()
    {
        var dataset = new DrawnDomains(Seed, DrawnSplit.Train, DrawnDomains.All, 20);
        var forward = Enumerable.Range(0, dataset.Count).Select(i => dataset.Load(i).Pixels).ToArray();
        var backward = new byte[dataset.Count][];
        Parallel.For(0, dataset.Count, i => backward[dataset.Count - 1 - i] = dataset.Load(dataset.Count - 1 - i).Pixels);
        Assert.Equal(forward, backward);
        Assert.Equal(forward[47], DrawnDomains.Draw(Seed, DrawnSplit.Train, DrawnDomain.Textured, 7).Pixels);
    }

    [Fact]
    public void No_two_images_are_the_same_in_any_domain_split_or_seed()
    {
        var seen = new HashSet<string>();
        foreach (ulong seed in (ulong[])[0, 1])
            foreach (var split in Enum.GetValues<DrawnSplit>())
                foreach (var domain in DrawnDomains.All)
                    for (int i = 0; i < 50; i++)
                        Assert.True(seen.Add(Convert.ToHexString(DrawnDomains.Draw(seed, split, domain, i, size: 8).Pixels)));
    }

    [Fact]
    public void Labels_are_balanced_in_every_domain()
    {
        var dataset = new DrawnDomains(Seed, DrawnSplit.Test, [DrawnDomain.Photo, DrawnDomain.Sketch], 30);
        Assert.Equal(60, dataset.Count);
        Assert.Equal(DrawnDomain.Sketch, dataset.Domain(30));
        for (int label = 0; label < 10; label++)
            Assert.Equal(6, Enumerable.Range(0, 60).Count(i => dataset.Label(i) == label));
        Assert.Equal("drawn sketch triangle 12", dataset.Describe(42));
        Assert.Equal(10, dataset.ClassNames.Count);
    }

    /// <summary>What a model must unlearn: paper is bright, the negative dark, flat colours smooth, photographs noisy.</summary>
    [Fact]
    public void Domains_differ_in_brightness_and_roughness()
    {
        var brightness = new double[5];
        var roughness = new double[5];
        foreach (var domain in DrawnDomains.All)
            for (int i = 0; i < 200; i++)
            {
                var image = DrawnDomains.Draw(Seed, DrawnSplit.Train, domain, i);
                brightness[(int)domain] += image.Pixels.Average(value => (double)value) / 200;
                for (int p = 3; p < image.Pixels.Length; p++)
                    roughness[(int)domain] += Math.Abs(image.Pixels[p] - image.Pixels[p - 3]) / (200.0 * image.Pixels.Length);
            }
        Assert.InRange(brightness[(int)DrawnDomain.Sketch], 180, 235);
        Assert.InRange(brightness[(int)DrawnDomain.Inverted], 8, 60);
        foreach (var domain in (DrawnDomain[])[DrawnDomain.Filled, DrawnDomain.Textured, DrawnDomain.Photo])
            Assert.InRange(brightness[(int)domain], 80, 180);
        Assert.True(roughness[(int)DrawnDomain.Filled] * 1.5 < roughness[(int)DrawnDomain.Textured]);
        Assert.True(roughness[(int)DrawnDomain.Filled] * 1.5 < roughness[(int)DrawnDomain.Photo]);
    }

    /// <summary>
    /// The nearest mean image of a class, in one domain: above chance (0.1), since the shapes differ and lie near the middle,
    /// but far from good where colour and polarity are free, and well below a small transformer where outlines always are
    /// dark on light or the reverse. A task that this solved would need no model.
    /// </summary>
    [Fact]
    public void Mean_images_do_not_solve_the_task()
    {
        const int training = 2000, test = 500, length = 32 * 32 * 3;
        foreach (var domain in DrawnDomains.All)
        {
            var means = new double[10][];
            for (int label = 0; label < 10; label++)
                means[label] = new double[length];
            for (int i = 0; i < training; i++)
            {
                var pixels = DrawnDomains.Draw(Seed, DrawnSplit.Train, domain, i).Pixels;
                for (int p = 0; p < length; p++)
                    means[i % 10][p] += pixels[p] / (training / 10.0);
            }
            int right = 0;
            for (int i = 0; i < test; i++)
            {
                var pixels = DrawnDomains.Draw(Seed, DrawnSplit.Test, domain, i).Pixels;
                int nearest = Enumerable.Range(0, 10).MinBy(label =>
                {
                    double distance = 0;
                    for (int p = 0; p < length; p++)
                        distance += (pixels[p] - means[label][p]) * (pixels[p] - means[label][p]);
                    return distance;
                });
                right += nearest == i % 10 ? 1 : 0;
            }
            Assert.InRange(right / (double)test, 0, domain is DrawnDomain.Sketch or DrawnDomain.Inverted ? 0.55 : 0.4);
        }
    }

    /// <summary>Every shape is really there: redrawn without it, much of the image around its outline would change.</summary>
    [Fact]
    public void Shapes_of_one_scene_differ_only_where_the_shapes_do()
    {
        foreach (var domain in DrawnDomains.All)
        {
            var images = new RgbImage[10];
            for (int shape = 0; shape < 10; shape++)
            {
                images[shape] = new RgbImage(64, 64);
                DrawnPainter.Paint(new Tensors.Philox(5, 6), domain, (DrawnShape)shape, images[shape]);
            }
            for (int a = 0; a < 10; a++)
                for (int b = a + 1; b < 10; b++)
                {
                    int changed = 0;
                    for (int p = 0; p < images[a].Pixels.Length; p++)
                        changed += Math.Abs(images[a].Pixels[p] - images[b].Pixels[p]) > 12 ? 1 : 0;
                    double fraction = changed / (double)images[a].Pixels.Length;
                    Assert.True(fraction is > 0.004 and < 0.6, $"{domain}: {(DrawnShape)a} and {(DrawnShape)b} differ in {fraction:P1} of the values.");
                }
        }
    }

    [Theory]
    [InlineData(DrawnShape.Circle, 2.545)]       // pi 0.9^2
    [InlineData(DrawnShape.Square, 2.56)]        // 1.6^2
    [InlineData(DrawnShape.Triangle, 1.299)]     // 3 sqrt(3) / 4
    [InlineData(DrawnShape.Hexagon, 2.598)]      // 3 sqrt(3) / 2
    [InlineData(DrawnShape.Star, 1.234)]         // 10 * 0.42 sin(36 degrees) / 2
    [InlineData(DrawnShape.Cross, 2.150)]        // 2 * 2 * 0.64 - 0.64^2
    [InlineData(DrawnShape.Ring, 2.171)]         // pi (0.96^2 - 0.48^2)
    [InlineData(DrawnShape.Heart, 2.580)]        // 1.7^2 (1 / 2 + pi / 8): a square on its corner and two half discs
    [InlineData(DrawnShape.Arrow, 1.512)]        // 1.1 * 0.64 + 0.95 * 0.85
    public void Shapes_have_the_area_of_their_geometry(DrawnShape shape, double area)
    {
        const int steps = 800;
        const float side = 3f;
        int inside = 0;
        for (int y = 0; y < steps; y++)
            for (int x = 0; x < steps; x += 8)
            {
                var px = System.Runtime.Intrinsics.Vector256.CreateSequence((x + 0.5f) / steps * side - side / 2, side / steps);
                var py = System.Runtime.Intrinsics.Vector256.Create((y + 0.5f) / steps * side - side / 2);
                var distance = ShapeDistance.Of(shape, px, py);
                for (int lane = 0; lane < 8; lane++)
                    inside += distance[lane] < 0 ? 1 : 0;
            }
        Assert.Equal(area, inside * (double)(side * side) / (steps * steps), 0.01);
    }

    [Fact]
    public void Distances_change_by_no_more_than_the_way_walked()
    {
        var random = new Random(1);
        foreach (var shape in Enum.GetValues<DrawnShape>())
            for (int i = 0; i < 20_000; i++)
            {
                float x = random.NextSingle() * 4 - 2, y = random.NextSingle() * 4 - 2;
                float dx = (random.NextSingle() - 0.5f) * 0.02f, dy = (random.NextSingle() - 0.5f) * 0.02f;
                float change = Math.Abs(At(shape, x + dx, y + dy) - At(shape, x, y));
                Assert.True(change <= MathF.Sqrt(dx * dx + dy * dy) * 1.001f + 1e-5f, $"{shape} at ({x}, {y}): {change} on a way of {MathF.Sqrt(dx * dx + dy * dy)}.");
            }

        static float At(DrawnShape shape, float x, float y) =>
            ShapeDistance.Of(shape, System.Runtime.Intrinsics.Vector256.Create(x), System.Runtime.Intrinsics.Vector256.Create(y))[0];
    }

    [Fact]
    public void The_contact_sheet_shows_every_class_in_every_domain()
    {
        var sheet = DrawnDomains.ContactSheet(Seed, zoom: 2);
        Assert.Equal((2 + 10 * 66, 2 + 5 * 66), (sheet.Width, sheet.Height));
        var heart = DrawnDomains.Draw(Seed, DrawnSplit.Train, DrawnDomain.Inverted, (int)DrawnShape.Heart);
        Assert.Equal(heart[10, 20], sheet[2 + 8 * 66 + 20, 2 + 3 * 66 + 40]);
        Assert.Equal((255, 255, 255), sheet[0, 0]);
    }

    [Theory]
    [InlineData(8)]
    [InlineData(33)]
    [InlineData(224)]
    public void Any_size_can_be_drawn(int size)
    {
        foreach (var domain in DrawnDomains.All)
        {
            var image = DrawnDomains.Draw(Seed, DrawnSplit.Validation, domain, 4, size);
            Assert.Equal((size, size), (image.Width, image.Height));
            Assert.True(image.Pixels.Distinct().Count() > 20);
        }
    }
}

using Engine.Tensors;

namespace Engine.Training.Tests;

public sealed class ImagesResizeTests
{
    static readonly RgbImage Source = ImageDecoder.Decode(Pillow.File("source.png"));

    [Fact]
    public void Resizing_gives_the_bytes_of_Pillow()
    {
        foreach (var item in Pillow.Cases("resize"))
            Pillow.AssertClose(item, Resampler.Resize(Source, item.Width, item.Height, item.Filter));
    }

    [Fact]
    public void Resizing_a_part_gives_the_bytes_of_cropping_first()
    {
        foreach (var item in Pillow.Cases("resize_crop"))
        {
            int[] box = item.Integers("box");
            var part = new PixelRectangle(box[0], box[1], box[2], box[3]);
            Pillow.AssertClose(item, Resampler.Resize(Source, part, item.Width, item.Height, item.Filter));
        }
    }

    [Fact]
    public void Evaluation_gives_the_bytes_of_timm_and_torchvision()
    {
        foreach (var item in Pillow.Cases("evaluate"))
            Pillow.AssertClose(item, Of(item).Prepare(ImageDecoder.Decode(Pillow.File(item.Text("file")))));
    }

    [Fact]
    public void Normalising_gives_the_floats_of_torchvision()
    {
        var item = Assert.Single(Pillow.Cases("normalize"));
        float[] expected = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(item.Data.Span).ToArray();
        Assert.Equal(expected, Of(item).ToPixels(ImageDecoder.Decode(Pillow.File(item.Text("file")))));
    }

    [Fact]
    public void A_constant_image_stays_constant()
    {
        var image = new RgbImage(19, 31);
        image.Pixels.AsSpan().Fill(201);
        foreach (var filter in Enum.GetValues<Interpolation>())
            foreach (var (width, height) in ((int, int)[])[(7, 100), (64, 3), (19, 5), (5, 31)])
                Assert.All(Resampler.Resize(image, width, height, filter).Pixels, value => Assert.Equal(201, value));
    }

    [Fact]
    public void A_part_outside_the_image_is_refused()
    {
        foreach (var part in (PixelRectangle[])[new(-1, 0, 5, 5), new(0, 0, 30, 5), new(25, 0, 5, 5), new(0, 20, 5, 5), new(0, 0, 0, 5)])
            Assert.Throws<ArgumentException>(() => Resampler.Resize(Source, part, 4, 4, Interpolation.Bilinear));
    }

    [Fact]
    public void Flipping_mirrors_and_flipping_twice_gives_the_image_back()
    {
        var flipped = Cropping.FlipHorizontally(Source);
        for (int x = 0; x < Source.Width; x++)
            Assert.Equal(Source[x, 5], flipped[Source.Width - 1 - x, 5]);
        Assert.Equal(Source.Pixels, Cropping.FlipHorizontally(flipped).Pixels);
    }

    [Fact]
    public void A_crop_beyond_the_image_is_black_there()
    {
        var crop = Cropping.Crop(Source, new PixelRectangle(-2, -1, 6, 4));
        Assert.Equal((0, 0, 0), crop[1, 2]);
        Assert.Equal((0, 0, 0), crop[3, 0]);
        Assert.Equal(Source[0, 0], crop[2, 1]);
        Assert.Equal(Source[3, 2], crop[5, 3]);
        Assert.All(Cropping.Crop(Source, new PixelRectangle(100, 0, 3, 3)).Pixels, value => Assert.Equal(0, value));
    }

    [Fact]
    public void A_random_part_keeps_to_its_area_and_ratio()
    {
        var crop = new RandomResizedCrop();
        var random = new PhiloxSequence(new Philox(1));
        double smallest = 1, largest = 0;
        for (int i = 0; i < 2000; i++)
        {
            var part = crop.Choose(400, 300, ref random);
            Assert.True(part.IsInside(new RgbImage(400, 300, new byte[400 * 300 * 3])));
            double area = part.Width * part.Height / (400.0 * 300);
            Assert.InRange(area, 0.07, 1);
            Assert.InRange((double)part.Width / part.Height, 0.73, 1.36);
            (smallest, largest) = (Math.Min(smallest, area), Math.Max(largest, area));
        }
        Assert.InRange(smallest, 0.07, 0.12);
        Assert.InRange(largest, 0.85, 1);
    }

    [Fact]
    public void An_image_of_no_allowed_ratio_gives_its_largest_centred_part()
    {
        var crop = new RandomResizedCrop(MinArea: 1, MaxArea: 1);
        var random = new PhiloxSequence(new Philox(1));
        Assert.Equal(new PixelRectangle(433, 0, 133, 100), crop.Choose(1000, 100, ref random));
        Assert.Equal(new PixelRectangle(0, 433, 100, 133), crop.Choose(100, 1000, ref random));
    }

    [Fact]
    public void Padding_shifts_by_every_amount_up_to_it()
    {
        // One white pixel in the middle says by how much the image was shifted.
        var image = new RgbImage(8, 8);
        image.Row(4).Slice(4 * 3, 3).Fill(255);
        var augmentation = new Augmentation { CropPadding = 2 };
        var random = new PhiloxSequence(new Philox(2));
        var seen = new HashSet<(int, int)>();
        for (int i = 0; i < 500; i++)
        {
            var result = augmentation.Apply(image, Preprocessing.Plain(8), ref random);
            int at = Array.IndexOf(result.Pixels, (byte)255) / 3;
            seen.Add((at % 8 - 4, at / 8 - 4));
        }
        Assert.Equal(25, seen.Count);
        Assert.All(seen, shift => Assert.True(Math.Abs(shift.Item1) <= 2 && Math.Abs(shift.Item2) <= 2));
    }

    static Preprocessing Of(PillowCase item) => new(
        item.Width, Preprocessing.ImageNetMean, Preprocessing.ImageNetStd, item.Number("crop_pct"),
        item.Text("crop_mode") == "squash" ? CropMode.Squash : CropMode.Center, item.Filter);
}

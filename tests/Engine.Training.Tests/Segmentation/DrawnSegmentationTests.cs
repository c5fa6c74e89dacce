namespace Engine.Training.Tests;

public sealed class DrawnSegmentationTests
{
    [Fact]
    public void A_picture_is_a_function_of_its_number_on_any_thread()
    {
        DrawnSegmentation data = new(3, DrawnSplit.Train, DrawnDomains.All, 8, size: 40);
        Assert.Equal(40, data.Count);
        SegmentationSample[] forward = [.. Enumerable.Range(0, 40).Select(data.Load)], backward = new SegmentationSample[40];
        Parallel.For(0, 40, i => backward[39 - i] = data.Load(39 - i));
        for (int i = 0; i < 40; i++)
        {
            Assert.Equal(forward[i].Image.Pixels, backward[i].Image.Pixels);
            Assert.Equal(forward[i].Mask.Labels, backward[i].Mask.Labels);
        }

        Assert.Equal(40, forward.Select(sample => Convert.ToHexString(sample.Image.Pixels)).Distinct().Count());
        Assert.Equal(forward[17].Image.Pixels, DrawnSegmentation.Draw(3, DrawnSplit.Train, DrawnDomain.Textured, 1, 40).Image.Pixels);
        Assert.NotEqual(forward[17].Image.Pixels, DrawnSegmentation.Draw(3, DrawnSplit.Test, DrawnDomain.Textured, 1, 40).Image.Pixels);
        Assert.NotEqual(forward[17].Image.Pixels, DrawnSegmentation.Draw(4, DrawnSplit.Train, DrawnDomain.Textured, 1, 40).Image.Pixels);
        Assert.Equal("train_textured_00001", data.Name(17));
    }

    [Fact]
    public void Every_class_occurs_and_the_ground_is_most_of_it()
    {
        long[] pixels = new long[11];
        int[] shapes = new int[12];
        for (int i = 0; i < 300; i++)
        {
            LabelMask mask = DrawnSegmentation.Draw(1, DrawnSplit.Train, DrawnDomain.Filled, i).Mask;
            foreach (byte label in mask.Labels) pixels[label]++;
            shapes[mask.Labels.Distinct().Count() - 1]++;
        }

        Assert.Equal(DrawnSegmentation.Classes.Count, pixels.Length);
        Assert.All(pixels, count => Assert.True(count > 300 * 64 * 64 / 1000));
        Assert.InRange(pixels[0] / (300.0 * 64 * 64), 0.7, 0.95);
        Assert.Equal(0, shapes[0]);
        Assert.True(shapes[1] > 30 && shapes[2] > 30 && shapes[3] > 30, string.Join(' ', shapes));
    }

    [Fact]
    public void Flat_colours_end_where_the_mask_does()
    {
        // Without strokes and edges a filled picture has two colours, and the mask tells which.
        int pictures = 0;
        for (int i = 0; i < 40; i++)
        {
            var (image, mask) = DrawnSegmentation.Draw(2, DrawnSplit.Train, DrawnDomain.Filled, i);
            List<double>[] levels = [[], []];
            for (int y = 2; y < 62; y++)
                for (int x = 2; x < 62; x++)
                    if (Even(mask, x, y))
                        levels[mask[x, y] == 0 ? 0 : 1].Add(0.299 * image[x, y].R + 0.587 * image[x, y].G + 0.114 * image[x, y].B);
            if (levels[1].Count < 20) continue;
            // Strokes are few: the middle half of each side's values lies close together and apart from the other's.
            double[] ground = [.. levels[0].Order()], figure = [.. levels[1].Order()];
            double apart = Math.Abs(ground[ground.Length / 2] - figure[figure.Length / 2]);
            Assert.True(figure[figure.Length * 3 / 4] - figure[figure.Length / 4] < apart / 2, $"picture {i}");
            Assert.True(ground[ground.Length * 3 / 4] - ground[ground.Length / 4] < apart / 2, $"picture {i}");
            pictures++;
        }

        Assert.True(pictures > 30);

        static bool Even(LabelMask mask, int x, int y)
        {
            for (int dy = -2; dy <= 2; dy++)
                for (int dx = -2; dx <= 2; dx++)
                    if (mask[x + dx, y + dy] != mask[x, y]) return false;
            return true;
        }
    }

    [Fact]
    public void Written_to_disk_it_is_read_back_to_the_byte()
    {
        using DataFolder folder = new();
        DrawnSegmentation training = new(1, DrawnSplit.Train, [DrawnDomain.Photo, DrawnDomain.Sketch], 3, 32), validation = new(1, DrawnSplit.Validation, [DrawnDomain.Photo], 2, 32);
        DrawnFiles.SavePascal(folder.Path, [("train", training), ("val", validation)]);
        PascalFolder read = new(folder.Path, "train");
        Assert.Equal(DrawnSegmentation.Classes, read.ClassNames);
        Assert.Equal((6, 2), (read.Count, new PascalFolder(folder.Path, "val").Count));
        for (int i = 0; i < 6; i++)
        {
            Assert.Equal(training.Name(i), read.Name(i));
            Assert.Equal(training.Load(i).Image.Pixels, read.Load(i).Image.Pixels);
            Assert.Equal(training.Load(i).Mask.Labels, read.Load(i).Mask.Labels);
        }
    }

    [Fact]
    public void Domains_written_to_disk_are_a_folder_a_class()
    {
        using DataFolder folder = new();
        DrawnDomains images = new(1, DrawnSplit.Train, [DrawnDomain.Inverted], 20, 16);
        DrawnFiles.SaveClasses(folder.Path, images);
        ImageFolder read = new(folder.Path, images.ClassNames);
        Assert.Equal(20, read.Count);
        Assert.Equal(images.Load(0).Pixels, read.Load(0).Pixels);        // circle 0
        Assert.Equal(images.Load(10).Pixels, read.Load(1).Pixels);       // circle 1
    }
}

namespace Engine.Training.Tests;

public sealed class IndexedPngTests
{
    [Theory]
    [InlineData(1, 0)]
    [InlineData(1, 3)]
    [InlineData(2, 3)]
    [InlineData(4, 3)]
    [InlineData(4, 0)]
    [InlineData(8, 3)]
    [InlineData(8, 0)]
    public void Every_depth_and_filter_gives_the_indices(byte depth, byte colour)
    {
        PngBytes png = new()
        {
            Width = 13,
            Height = 11,
            Depth = depth,
            Colour = colour,
            Filter = y => (byte)(y % 5),
            Label = (x, y) => (x * x + 7 * y + x * y) * 37 % 256 & (1 << depth) - 1,
        };
        var mask = IndexedPng.Decode(png.Make(), "mask.png");
        Assert.Equal((13, 11), (mask.Width, mask.Height));
        for (int y = 0; y < 11; y++)
            for (int x = 0; x < 13; x++)
                Assert.Equal(png.Label(x, y), mask[x, y]);
    }

    [Fact]
    public void What_is_written_is_read_back_and_looks_like_pascal()
    {
        using DataFolder folder = new();
        var mask = new LabelMask(17, 9);
        for (int i = 0; i < mask.Labels.Length; i++)
            mask.Labels[i] = (byte)(i * 5 % 22 == 21 ? 255 : i * 5 % 22);
        string path = Path.Combine(folder.Path, "mask.png");
        IndexedPng.Save(mask, path);
        Assert.Equal(mask.Labels, IndexedPng.Load(path).Labels);
        var seen = ImageDecoder.Decode(path);
        for (int y = 0; y < 9; y++)
            for (int x = 0; x < 17; x++)
                Assert.Equal(VocPalette.Colours[mask[x, y]], seen[x, y]);
        Assert.Equal([path], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void The_colours_are_those_of_the_voc_development_kit()
    {
        // VOClabelcolormap: background, aeroplane, bicycle, bird, ..., tvmonitor, void.
        Assert.Equal((0, 0, 0), VocPalette.Colours[0]);
        Assert.Equal((128, 0, 0), VocPalette.Colours[1]);
        Assert.Equal((0, 128, 0), VocPalette.Colours[2]);
        Assert.Equal((128, 128, 0), VocPalette.Colours[3]);
        Assert.Equal((192, 128, 128), VocPalette.Colours[15]);
        Assert.Equal((0, 64, 128), VocPalette.Colours[20]);
        Assert.Equal((224, 224, 192), VocPalette.Colours[255]);
        Assert.Equal(256, VocPalette.Colours.Distinct().Count());
    }

    [Fact]
    public void Faults_are_named()
    {
        Refused(new PngBytes { Colour = 2 }.Make(), "a mask in RGB");
        Refused(new PngBytes { Colour = 4 }.Make(), "a mask in grey with alpha");
        Refused(new PngBytes { Depth = 16, Colour = 0, Missing = -200 }.Make(), "a mask of 16 bits a pixel, expected 1, 2, 4 or 8");
        Refused(new PngBytes { Interlace = 1 }.Make(), "an interlaced PNG (Adam7)");
        Refused(new PngBytes { Filter = y => (byte)(y == 2 ? 5 : 0) }.Make(), "filter 5 in row 2");
        Refused(new PngBytes { Missing = 3 }.Make(), "21 of 24 bytes of pixels");
        Refused(new PngBytes { Missing = -3 }.Make(), "more than 24 bytes of pixels");
        Refused([0xFF, 0xD8, 0xFF, 0xE0], "not a PNG");
        Refused([], "not a PNG");
        Assert.Contains("no such file", Assert.Throws<ImageException>(() => IndexedPng.Load("nowhere.png")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_cut_anywhere_is_refused()
    {
        byte[] whole = new PngBytes { Filter = _ => 4 }.Make();
        for (int length = 0; length < whole.Length; length++)
            Refused(whole[..length], "");
    }

    [Fact]
    public void A_changed_bit_is_refused_or_changes_nothing()
    {
        PngBytes png = new() { Filter = y => (byte)(y % 5) };
        byte[] whole = png.Make(), labels = IndexedPng.Decode(whole, "mask.png").Labels;
        for (int i = 0; i < whole.Length * 8; i++)
        {
            byte[] changed = [.. whole];
            changed[i / 8] ^= (byte)(1 << i % 8);
            try
            {
                Assert.Equal(labels, IndexedPng.Decode(changed, "mask.png").Labels);
            }
            catch (ImageException exception)
            {
                Assert.StartsWith("mask.png: ", exception.Message, StringComparison.Ordinal);
                Assert.DoesNotContain('\n', exception.Message);
            }
        }
    }

    static void Refused(byte[] data, string expected)
    {
        var exception = Assert.Throws<ImageException>(() => IndexedPng.Decode(data, "mask.png"));
        Assert.StartsWith("mask.png: ", exception.Message, StringComparison.Ordinal);
        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', exception.Message);
    }
}

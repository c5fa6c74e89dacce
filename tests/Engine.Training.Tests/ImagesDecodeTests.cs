using System.Buffers.Binary;

namespace Engine.Training.Tests;

public sealed class ImagesDecodeTests
{
    [Fact]
    public void Every_pixel_format_decodes_as_Pillow_decodes_it()
    {
        foreach (var item in Pillow.Cases("decode"))
            Pillow.AssertClose(item, ImageDecoder.Decode(Pillow.File(item.Text("file"))), (int)item.Number("tolerance"));
    }

    public static TheoryData<string> Files() =>
        [.. Directory.GetFiles(Path.GetDirectoryName(Pillow.File("x"))!).Select(path => Path.GetFileName(path)).Order()];

    [Theory, MemberData(nameof(Files))]
    public void A_file_cut_anywhere_is_refused_in_one_line(string file)
    {
        byte[] whole = File.ReadAllBytes(Pillow.File(file));
        ImageDecoder.Decode(whole, file);
        for (int length = 0; length < whole.Length; length++)
        {
            byte[] cut = whole[..length];
            var exception = Record.Exception(() => ImageDecoder.Decode(cut, file));
            Assert.True(exception is ImageException, $"{file} cut to {length} of {whole.Length} bytes: {exception?.ToString() ?? "accepted"}");
            Assert.StartsWith(file + ": ", exception!.Message);
            Assert.DoesNotContain('\n', exception.Message);
        }
    }

    [Theory, MemberData(nameof(Files))]
    public void A_file_with_a_flipped_byte_decodes_or_is_refused(string file)
    {
        byte[] whole = File.ReadAllBytes(Pillow.File(file));
        for (int i = 0; i < whole.Length; i++)
        {
            byte[] damaged = [.. whole];
            damaged[i] ^= 0x5A;
            var exception = Record.Exception(() => ImageDecoder.Decode(damaged, file));
            Assert.True(exception is null or ImageException, $"{file} with byte {i} changed: {exception}");
        }
    }

    [Fact]
    public void An_end_marker_inside_a_segment_does_not_hide_a_truncation()
    {
        byte[] jpeg = File.ReadAllBytes(Pillow.File("photo420.jpg"));
        // A comment segment that holds what looks like a whole image's end.
        byte[] comment = [0xFF, 0xFE, 0, 6, 0xFF, 0xD9, 0xFF, 0xD9];
        byte[] whole = [.. jpeg[..2], .. comment, .. jpeg[2..]];
        Assert.Equal(37, ImageDecoder.Decode(whole, "a.jpg").Width);
        var exception = Assert.Throws<ImageException>(() => ImageDecoder.Decode(whole[..^2], "a.jpg"));
        Assert.Contains("truncated", exception.Message);
    }

    [Fact]
    public void Bytes_after_the_end_do_no_harm()
    {
        foreach (string file in (string[])["photo420.jpg", "rgb8.png", "rgb24.bmp"])
        {
            byte[] whole = File.ReadAllBytes(Pillow.File(file));
            Assert.Equal(ImageDecoder.Decode(whole, file).Pixels, ImageDecoder.Decode([.. whole, 0, 1, 2, 3], file).Pixels);
        }
    }

    [Theory]
    [InlineData("this is a text file\n", "it is a text file")]
    [InlineData("GIF89a", "it is a GIF")]
    [InlineData("RIFF\0\0\0\0WEBPVP8 ", "it is a WebP")]
    [InlineData("\u0001\u0002\u0003\u0004", "it begins with bytes 01020304")]
    public void A_file_that_is_no_image_is_refused_by_what_it_is(string content, string expected)
    {
        using var folder = new DataFolder();
        string path = folder.Write("cat.png", System.Text.Encoding.Latin1.GetBytes(content));
        var exception = Assert.Throws<ImageException>(() => ImageDecoder.Decode(path));
        Assert.Equal(path, exception.FilePath);
        Assert.Contains(expected, exception.Message);
        Assert.Contains("remove it or convert it", exception.Message);
    }

    [Fact]
    public void Missing_and_empty_files_are_named()
    {
        using var folder = new DataFolder();
        string missing = Path.Combine(folder.Path, "missing.jpg");
        Assert.Equal($"{missing}: no such file.", Assert.Throws<ImageException>(() => ImageDecoder.Decode(missing)).Message);
        string empty = folder.Write("empty.jpg", []);
        Assert.Equal($"{empty}: the file is empty; replace or remove it.", Assert.Throws<ImageException>(() => ImageDecoder.Decode(empty)).Message);
    }

    [Fact]
    public void A_header_that_asks_for_too_much_memory_is_refused_before_decoding()
    {
        byte[] bmp = File.ReadAllBytes(Pillow.File("rgb24.bmp"));
        BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(18), 60_000);
        BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(22), 60_000);
        Assert.Contains("truncated", Assert.Throws<ImageException>(() => ImageDecoder.Decode(bmp, "a.bmp")).Message);

        byte[] jpeg = File.ReadAllBytes(Pillow.File("photo420.jpg"));
        int frame = jpeg.AsSpan().IndexOf([(byte)0xFF, (byte)0xC0]);
        BinaryPrimitives.WriteUInt16BigEndian(jpeg.AsSpan(frame + 5), 65_000);
        BinaryPrimitives.WriteUInt16BigEndian(jpeg.AsSpan(frame + 7), 65_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var exception = Assert.Throws<ImageException>(() => ImageDecoder.Decode(jpeg, "a.jpg"));
        Assert.Contains("65000x65000", exception.Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        Assert.Throws<ImageException>(() => ImageDecoder.Decode(File.ReadAllBytes(Pillow.File("rgb8.png")), "a.png", maxPixels: 100));
    }

    [Fact]
    public void Threads_decode_independently()
    {
        var cases = Pillow.Cases("decode");
        Parallel.For(0, 400, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            var item = cases[i % cases.Count];
            if (i % 7 == 0)
                Assert.Throws<ImageException>(() => ImageDecoder.Decode(File.ReadAllBytes(Pillow.File(item.Text("file")))[..^9], "cut"));
            Pillow.AssertClose(item, ImageDecoder.Decode(Pillow.File(item.Text("file"))), (int)item.Number("tolerance"));
        });
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(37, 5)]
    [InlineData(300, 200)]
    public void A_written_png_reads_back_to_the_same_pixels(int width, int height)
    {
        using var folder = new DataFolder();
        var image = new RgbImage(width, height);
        new Random(1).NextBytes(image.Pixels);
        string path = Path.Combine(folder.Path, "image.png");
        PngWriter.Save(image, path);
        PngWriter.Save(image, path);
        Assert.Equal(image.Pixels, ImageDecoder.Decode(path).Pixels);
        Assert.Equal([path], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void A_png_that_cannot_be_written_is_named()
    {
        using var folder = new DataFolder();
        string path = Path.Combine(folder.Path, "missing", "image.png");
        Assert.Equal(path, Assert.Throws<ImageException>(() => PngWriter.Save(new RgbImage(1, 1), path)).FilePath);
    }
}

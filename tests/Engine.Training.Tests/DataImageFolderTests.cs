namespace Engine.Training.Tests;

public sealed class DataImageFolderTests
{
    static readonly byte[] Png = File.ReadAllBytes(Pillow.File("rgb8.png"));

    [Fact]
    public void Classes_and_images_come_in_ordinal_order()
    {
        using var folder = new DataFolder();
        foreach (string name in (string[])["b/2.png", "b/10.PNG", "B/x.jpg", "B/deep/y.JPEG", "a/z.bmp", "a/notes.txt", "a/.hidden.png", ".git/w.png"])
            folder.Write(name, Png);
        folder.Write("readme.png", Png);
        var dataset = new ImageFolder(folder.Path);
        Assert.Equal(["B", "a", "b"], dataset.ClassNames);
        Assert.Equal(
            [("B/deep/y.JPEG", 0), ("B/x.jpg", 0), ("a/z.bmp", 1), ("b/10.PNG", 2), ("b/2.png", 2)],
            Enumerable.Range(0, dataset.Count).Select(i => (Path.GetRelativePath(folder.Path, dataset.Describe(i)).Replace('\\', '/'), dataset.Label(i))));
        Assert.Equal(21, dataset.Load(3).Width);
    }

    [Fact]
    public void A_missing_folder_is_named()
    {
        using var folder = new DataFolder();
        string missing = Path.Combine(folder.Path, "data");
        Assert.Equal($"{missing}: no such folder.", Message(missing));
        folder.Write("data", Png);
        Assert.Contains("this is a file", Message(missing));
    }

    [Fact]
    public void A_folder_without_classes_says_what_is_expected()
    {
        using var folder = new DataFolder();
        Assert.Equal($"{folder.Path}: no class folders; expected one folder a class, such as cats/1.jpg and dogs/1.jpg.", Message(folder.Path));
        folder.Write("1.png", Png);
        Assert.Contains("images but no class folders", Message(folder.Path));
    }

    [Fact]
    public void A_class_without_images_is_named()
    {
        using var folder = new DataFolder();
        folder.Write("a/1.png", Png);
        folder.Write("b/notes.txt", Png);
        string message = Message(folder.Path);
        Assert.StartsWith(Path.Combine(folder.Path, "b") + ": no images in this class", message);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void Validation_takes_the_labels_of_training()
    {
        using var folder = new DataFolder();
        folder.Write("b/1.png", Png);
        var dataset = new ImageFolder(folder.Path, ["a", "b", "c"]);
        Assert.Equal(1, dataset.Label(0));
        folder.Write("d/1.png", Png);
        var exception = Assert.Throws<DatasetException>(() => new ImageFolder(folder.Path, ["a", "b", "c"]));
        Assert.Equal(Path.Combine(folder.Path, "d"), exception.Location);
    }

    [Fact]
    public void A_split_takes_the_same_fraction_of_each_class()
    {
        var dataset = new DrawnDomains(1, DrawnSplit.Train, [DrawnDomain.Filled], 200);
        var (training, heldOut) = DatasetSubset.Split(dataset, 0.25, seed: 3);
        Assert.Equal((150, 50), (training.Count, heldOut.Count));
        for (int label = 0; label < 10; label++)
            Assert.Equal(5, Enumerable.Range(0, 50).Count(i => heldOut.Label(i) == label));
        var names = Enumerable.Range(0, 150).Select(training.Describe).Concat(Enumerable.Range(0, 50).Select(heldOut.Describe));
        Assert.Equal(200, names.Distinct().Count());
        Assert.NotEqual(
            Enumerable.Range(0, 50).Select(heldOut.Describe),
            Enumerable.Range(0, 50).Select(DatasetSubset.Split(dataset, 0.25, seed: 4).HeldOut.Describe));
    }

    [Fact]
    public void A_cache_loads_each_image_once_up_to_its_limit()
    {
        var source = new CountingDataset(10);
        var cached = new CachedDataset(source, maxBytes: 4 * 3 * 4 * 4);
        for (int round = 0; round < 3; round++)
            for (int i = 0; i < 10; i++)
                Assert.Equal(source.Pixel(i), cached.Load(i).Pixels[0]);
        Assert.Equal(4 * 3 * 4 * 4, cached.Bytes);
        Assert.Equal([1, 1, 1, 1, 3, 3, 3, 3, 3, 3], source.Loads);
    }

    static string Message(string folder) => Assert.Throws<DatasetException>(() => new ImageFolder(folder)).Message;
}

/// <summary>Images of 4x4 pixels that say their number, and count how often each was loaded.</summary>
sealed class CountingDataset(int count, int failing = -1) : IImageDataset
{
    public int[] Loads { get; } = new int[count];

    public int Count => count;

    public IReadOnlyList<string> ClassNames { get; } = ["even", "odd"];

    public int Label(int index) => index % 2;

    public string Describe(int index) => $"image {index}";

    public byte Pixel(int index) => (byte)(index * 7);

    public RgbImage Load(int index)
    {
        Interlocked.Increment(ref Loads[index]);
        if (failing >= 0 && index >= failing)
            throw new ImageException(Describe(index), "broken");
        var image = new RgbImage(4, 4);
        image.Pixels.AsSpan().Fill(Pixel(index));
        return image;
    }
}

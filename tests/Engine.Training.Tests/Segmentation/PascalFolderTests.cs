namespace Engine.Training.Tests;

public sealed class PascalFolderTests : IDisposable
{
    readonly DataFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Pictures_and_masks_come_in_the_list_s_order()
    {
        Add("b", 6, 4, 1);
        Add("a", 5, 3, 2);
        List("train", "b\n\n a \r\n");
        var data = new PascalFolder(folder.Path, "train");
        Assert.Equal(["b", "a"], [data.Name(0), data.Name(1)]);
        Assert.Equal(21, data.ClassNames.Count);
        Assert.Equal("tvmonitor", data.ClassNames[20]);
        var (image, mask) = data.Load(1);
        Assert.Equal((5, 3, 5, 3), (image.Width, image.Height, mask.Width, mask.Height));
        Assert.All(mask.Labels, label => Assert.Equal(2, label));
        Assert.True(PascalFolder.IsOne(folder.Path));
    }

    [Fact]
    public void Classes_are_those_of_the_folder_or_those_expected()
    {
        Add("a", 5, 3, 1);
        List("train", "a");
        folder.Write("class_names.json", "[\"sky\", \"sea\"]"u8);
        Assert.Equal(["sky", "sea"], new PascalFolder(folder.Path, "train").ClassNames);
        folder.Write("classes.txt", "sky\nsea\nland\n"u8);
        Assert.Equal(["sky", "sea", "land"], new PascalFolder(folder.Path, "train").ClassNames);
        Assert.Equal(["x", "y"], new PascalFolder(folder.Path, "train", ["x", "y"]).ClassNames);
    }

    [Fact]
    public void A_folder_that_is_none_is_named()
    {
        Refused("no such folder", () => new PascalFolder(Path.Combine(folder.Path, "nowhere"), "train"));
        Refused("no folder JPEGImages", () => new PascalFolder(folder.Path, "train"));
        Add("a", 5, 3, 1);
        Refused($"{Path.Combine("Segmentation", "train.txt")}: no such list", () => new PascalFolder(folder.Path, "train"));
        List("train", " \n");
        Refused("the list is empty", () => new PascalFolder(folder.Path, "train"));
        List("train", "a\nb");
        Refused("'b' has no picture", () => new PascalFolder(folder.Path, "train"));
        File.Delete(Path.Combine(folder.Path, "SegmentationClass", "a.png"));
        List("train", "a");
        Refused("'a' has no mask", () => new PascalFolder(folder.Path, "train"));
        List("train", "../a");
        Refused("'../a' is a path", () => new PascalFolder(folder.Path, "train"));
        folder.Write("classes.txt", "one\n"u8);
        Refused("1 classes; expected 2 to 255", () => new PascalFolder(folder.Path, "train"));
    }

    [Fact]
    public void A_name_listed_twice_is_named()
    {
        Add("a", 5, 3, 1);
        List("train", "a\na");
        Refused("'a' is listed twice", () => new PascalFolder(folder.Path, "train"));
    }

    [Fact]
    public void A_mask_of_another_size_names_both_files_and_sizes()
    {
        Add("a", 5, 3, 1);
        IndexedPng.Save(new LabelMask(5, 4), Path.Combine(folder.Path, "SegmentationClass", "a.png"));
        List("train", "a");
        var data = new PascalFolder(folder.Path, "train");
        string message = Assert.Throws<DatasetException>(() => data.Load(0)).Message;
        Assert.Contains(Path.Combine("SegmentationClass", "a.png") + ": the mask is 5x4", message, StringComparison.Ordinal);
        Assert.Contains(Path.Combine("JPEGImages", "a.png") + " is 5x3", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_label_that_is_no_class_names_file_pixel_and_value()
    {
        Add("a", 5, 3, 255);
        List("train", "a");
        Assert.All(new PascalFolder(folder.Path, "train").Load(0).Mask.Labels, label => Assert.Equal(LabelMask.Ignored, label));
        var mask = new LabelMask(5, 3);
        mask.Row(2)[3] = 21;
        IndexedPng.Save(mask, Path.Combine(folder.Path, "SegmentationClass", "a.png"));
        Refused("a.png: label 21 at column 3, row 2, but there are 21 classes (0 to 20", () => new PascalFolder(folder.Path, "train").Load(0));
    }

    void Add(string name, int width, int height, byte label)
    {
        Directory.CreateDirectory(Path.Combine(folder.Path, "JPEGImages"));
        Directory.CreateDirectory(Path.Combine(folder.Path, "SegmentationClass"));
        PngWriter.Save(new RgbImage(width, height), Path.Combine(folder.Path, "JPEGImages", name + ".png"));
        IndexedPng.Save(new LabelMask(width, height, label), Path.Combine(folder.Path, "SegmentationClass", name + ".png"));
    }

    void List(string split, string names) => folder.Write(Path.Combine("ImageSets", "Segmentation", split + ".txt"), System.Text.Encoding.UTF8.GetBytes(names));

    static void Refused(string expected, Func<object> act)
    {
        string message = Assert.Throws<DatasetException>(act).Message;
        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }
}

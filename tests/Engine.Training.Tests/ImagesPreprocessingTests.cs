using System.Text;

namespace Engine.Training.Tests;

public sealed class ImagesPreprocessingTests
{
    [Fact]
    public void Our_own_form_round_trips()
    {
        using var folder = new DataFolder();
        string path = Path.Combine(folder.Path, Preprocessing.FileName);
        foreach (var preprocessing in (Preprocessing[])[
            Preprocessing.Plain(32),
            new(224, Preprocessing.ImageNetMean, Preprocessing.ImageNetStd),
            new(384, new(0.48145466f, 0.4578275f, 0.40821073f), new(0.26862954f, 0.26130258f, 0.27577711f), 0.955, CropMode.Squash, Interpolation.Lanczos)])
        {
            preprocessing.Save(path);
            Assert.Equal(preprocessing, Preprocessing.Load(path));
            Assert.Equal(preprocessing, Preprocessing.Find(folder.Path));
        }
        Assert.Equal([path], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void Our_own_form_is_timms() => Assert.Equal(
        """
        {
          "input_size": [
            3,
            16,
            16
          ],
          "crop_pct": 1,
          "crop_mode": "squash",
          "interpolation": "bilinear",
          "mean": [
            0.5,
            0.5,
            0.5
          ],
          "std": [
            0.5,
            0.5,
            0.5
          ]
        }

        """.ReplaceLineEndings("\n"), Encoding.UTF8.GetString(Preprocessing.Plain(16).ToJson()));

    [Fact]
    public void Reads_a_timm_config() => Assert.Equal(
        new Preprocessing(224, ChannelValues.All(0.5f), ChannelValues.All(0.5f), 0.9, CropMode.Center, Interpolation.Bicubic),
        Parse("""
            {"architecture": "vit_tiny_patch16_224", "num_classes": 1000, "pretrained_cfg": {
              "tag": "augreg_in21k_ft_in1k", "input_size": [3, 224, 224], "fixed_input_size": true, "interpolation": "bicubic",
              "crop_pct": 0.9, "crop_mode": "center", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "num_classes": 1000}}
            """));

    [Fact]
    public void Absent_timm_fields_have_timms_defaults() => Assert.Equal(
        new Preprocessing(224, Preprocessing.ImageNetMean, Preprocessing.ImageNetStd, 0.875, CropMode.Center, Interpolation.Bicubic),
        Parse("""{"input_size": [3, 224, 224], "crop_pct": null}"""));

    [Theory]
    [InlineData("""{"height": 224, "width": 224}""")]
    [InlineData("224")]
    public void Reads_a_ViT_of_Hugging_Face(string size) => Assert.Equal(
        Preprocessing.Plain(224),
        Parse($$"""
            {"do_normalize": true, "do_rescale": true, "do_resize": true, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
             "image_processor_type": "ViTFeatureExtractor", "resample": 2, "rescale_factor": 0.00392156862745098, "size": {{size}}}
            """));

    [Theory]
    [InlineData("224", "224", 224)]
    [InlineData("""{"shortest_edge": 224}""", """{"height": 224, "width": 224}""", 224)]
    [InlineData("""{"shortest_edge": 256}""", """{"height": 224, "width": 224}""", 256)]
    [InlineData("""{"shortest_edge": 235}""", """{"height": 224, "width": 224}""", 235)]
    public void Reads_a_CLIP_of_Hugging_Face(string size, string crop, int resized)
    {
        var preprocessing = Parse($$"""
            {"crop_size": {{crop}}, "do_center_crop": true, "do_normalize": true, "do_resize": true, "feature_extractor_type": "CLIPFeatureExtractor",
             "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711], "resample": 3, "size": {{size}}}
            """);
        Assert.Equal((224, resized, CropMode.Center, Interpolation.Bicubic),
            (preprocessing.Size, preprocessing.ResizeSize, preprocessing.CropMode, preprocessing.Interpolation));
        Assert.Equal(0.26130258f, preprocessing.Std.Green);
    }

    [Fact]
    public void Every_shortest_edge_survives_the_way_through_a_fraction()
    {
        for (int edge = 112; edge <= 512; edge++)
            Assert.Equal(edge, Parse($$$"""
                {"crop_size": 224, "do_center_crop": true, "image_mean": [0, 0, 0], "image_std": [1, 1, 1], "size": {"shortest_edge": {{{edge}}}}}
                """).ResizeSize);
    }

    [Theory]
    [InlineData("[1]", "expected a JSON object")]
    [InlineData("{", "not valid JSON")]
    [InlineData("{}", "neither timm's form")]
    [InlineData("""{"input_size": [3, 224, 256]}""", "input_size is [3, 224, 256]")]
    [InlineData("""{"input_size": [1, 28, 28]}""", "input_size is [1, 28, 28]")]
    [InlineData("""{"input_size": [3, 224]}""", "expected 3 numbers")]
    [InlineData("""{"input_size": [3, 0, 0]}""", "input size is 0")]
    [InlineData("""{"input_size": [3, 8, 8], "crop_pct": 0}""", "crop_pct is 0")]
    [InlineData("""{"input_size": [3, 8, 8], "interpolation": "random"}""", "interpolation is 'random'")]
    [InlineData("""{"input_size": [3, 8, 8], "crop_mode": "border"}""", "crop_mode is 'border'")]
    [InlineData("""{"input_size": [3, 8, 8], "std": [1, 0, 1]}""", "std of channel 1 is 0")]
    [InlineData("{\"input_size\": [3, 8, 8], \"mean\": [1,\n 2]}", "mean is [1, 2], expected 3 numbers")]
    [InlineData("""{"image_mean": [0, 0, 0]}""", "no size")]
    [InlineData("""{"image_mean": [0, 0, 0], "size": 8}""", "no image_std")]
    [InlineData("""{"image_mean": [0, 0, 0], "size": {"shortest_edge": 8}}""", "without do_center_crop")]
    [InlineData("""{"image_mean": [0, 0, 0], "size": {"height": 8, "width": 9}}""", "expected a square")]
    [InlineData("""{"image_mean": [0, 0, 0], "image_std": [1, 1, 1], "size": 8, "resample": 0}""", "resample is 0")]
    [InlineData("""{"image_mean": [0, 0, 0], "image_std": [1, 1, 1], "size": 8, "rescale_factor": 1}""", "rescale_factor is 1")]
    public void A_description_that_cannot_be_followed_is_refused_in_one_line(string json, string expected)
    {
        var exception = Assert.Throws<PreprocessingException>(() => Parse(json));
        Assert.Contains(expected, exception.Message);
        Assert.StartsWith("model/config.json: ", exception.Message);
        Assert.DoesNotContain('\n', exception.Message);
    }

    [Fact]
    public void A_folder_is_searched_for_the_most_specific_description()
    {
        using var folder = new DataFolder();
        Assert.Null(Preprocessing.Find(folder.Path));
        folder.Write("config.json", """{"model_type": "llama"}"""u8);
        Assert.Null(Preprocessing.Find(folder.Path));
        folder.Write("config.json", """{"pretrained_cfg": {"input_size": [3, 11, 11]}}"""u8);
        Assert.Equal(11, Preprocessing.Find(folder.Path)!.Size);
        folder.Write("preprocessor_config.json", """{"image_mean": [0, 0, 0], "image_std": [1, 1, 1], "size": 12}"""u8);
        Assert.Equal(12, Preprocessing.Find(folder.Path)!.Size);
        Preprocessing.Plain(13).Save(Path.Combine(folder.Path, "preprocessing.json"));
        Assert.Equal(13, Preprocessing.Find(folder.Path)!.Size);
    }

    static Preprocessing Parse(string json) => Preprocessing.Parse(Encoding.UTF8.GetBytes(json), "model/config.json");
}

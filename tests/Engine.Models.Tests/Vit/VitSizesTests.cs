namespace Engine.Models.Tests;

public sealed class VitSizesTests
{
    // torchvision's model pages (num_params of vit_b_16, vit_b_32, vit_l_16, vit_l_32); timm's results tables for the rest.
    [Theory]
    [InlineData("vit-ti16", 5_717_416)]
    [InlineData("vit-s16", 22_050_664)]
    [InlineData("vit-s32", 22_878_952)]
    [InlineData("vit-b16", 86_567_656)]
    [InlineData("vit-b32", 88_224_232)]
    [InlineData("vit-l16", 304_326_632)]
    [InlineData("vit-l32", 306_535_400)]
    public void Named_sizes_have_the_published_number_of_parameters(string name, long count) =>
        Assert.Equal(count, VitConfig.Named(name).ParameterCount);

    // Published are whole models, 151,277,313 with 32-pixel patches and 149,620,737 with 16. The text tower: 49,408 tokens and
    // 77 positions of width 512, 12 blocks, a norm, a projection, the temperature.
    [Theory]
    [InlineData("clip-vit-b32", 151_277_313)]
    [InlineData("clip-vit-b16", 149_620_737)]
    public void Clips_image_tower_is_what_the_whole_has_beside_the_text_tower(string name, long whole)
    {
        const long width = 512, block = 12 * width * width + 13 * width;
        long text = (49_408 + 77) * width + 12 * block + 2 * width + width * width + 1;
        Assert.Equal(whole - text, VitConfig.Named(name).ParameterCount);
    }

    [Fact]
    public void Parameters_are_counted_as_they_are_built()
    {
        foreach (bool pooled in (bool[])[false, true])
        {
            foreach (bool preNorm in (bool[])[false, true])
            {
                foreach (int? projection in (int?[])[null, 5])
                {
                    VitConfig config = ModelFixtures.Small with
                    {
                        Pooling = pooled ? Pooling.Average : Pooling.ClassToken,
                        HasClassToken = !pooled,
                        QkvBias = pooled,
                        LayerScale = preNorm ? 0.1f : null,
                        Classes = pooled ? 0 : 3,
                        PreNorm = preNorm,
                        ProjectionWidth = projection,
                    };
                    Assert.Equal(new VisionTransformer(config).ParameterCount, config.ParameterCount);
                }
            }
        }
    }

    [Fact]
    public void A_size_that_is_built_has_the_parameters_it_says()
    {
        VitConfig config = VitConfig.Named("vit-ti16");
        Assert.Equal(config.ParameterCount, new VisionTransformer(ModuleScope.Root(initialize: false), config).ParameterCount);
    }

    [Fact]
    public void Every_name_is_a_size_and_no_other()
    {
        Assert.All(VitConfig.SizeNames, name => VitConfig.Named(name).Validated());
        Assert.Equal("No vision transformer is named 'vit-xl'; known are vit-ti16, vit-ti32, vit-s16, vit-s32, vit-b16, vit-b32, vit-l16, vit-l32, clip-vit-b16, clip-vit-b32, clip-vit-l14.",
            Assert.Throws<ArgumentException>(() => VitConfig.Named("vit-xl")).Message);
    }

    [Theory]
    [InlineData("vit_tiny_patch16_224.augreg_in21k", "vit-ti16")]
    [InlineData("deit_small_patch16_224.fb_in1k", "vit-s16")]
    [InlineData("vit_base_patch32_224.augreg_in21k_ft_in1k", "vit-b32")]
    [InlineData("vit_large_patch16_224", "vit-l16")]
    public void Timms_names_are_the_sizes(string architecture, string name) =>
        Assert.Equal(VitConfig.Named(name), TimmVitOf($$"""{"architecture": "{{architecture}}", "num_classes": 1000}"""));

    [Theory]
    [InlineData("vit_base_patch16_clip_224.openai_ft_in1k", Activation.Gelu, 16)]
    [InlineData("vit_base_patch32_clip_quickgelu_224.openai", Activation.QuickGelu, 32)]
    public void Timms_names_of_clip_are_its_tower_with_the_projection_for_a_head(string architecture, Activation activation, int patch)
    {
        VitConfig expected = VitConfig.Clip(patch) with { Activation = activation, ProjectionWidth = null, Classes = 512 };
        Assert.Equal(expected, TimmVitOf($$"""{"architecture": "{{architecture}}", "num_classes": 512}"""));
    }

    static VitConfig TimmVitOf(string config) => new TimmVit().Read(ConfigFile.Parse("config.json", System.Text.Encoding.UTF8.GetBytes(config)));

    [Fact]
    public void The_shapes_of_the_large_sizes_are_right_in_their_tensors_too()
    {
        VitConfig large = VitConfig.Named("clip-vit-l14");
        Assert.Equal((1024, 24, 16, 4096, 257, 768), (large.Width, large.Depth, large.Heads, large.MlpWidth, large.SequenceLength, large.FeatureWidth));
    }
}

using Engine.Tensors;

namespace Engine.Models.Tests;

public sealed class BadModelFolderTests : IDisposable
{
    readonly SafeTensorsScratch scratch = new();

    public void Dispose() => scratch.Dispose();

    [Fact]
    public void No_folder() => AssertRefused(scratch["nowhere"], "nowhere: there is no such folder");

    [Fact]
    public void No_config()
    {
        string folder = ModelFixtures.Copy("vit_timm", scratch);
        File.Delete(Path.Combine(folder, "config.json"));
        AssertRefused(folder, "holds no config.json");
    }

    [Fact]
    public void No_weights()
    {
        string folder = ModelFixtures.Copy("vit_timm", scratch);
        File.Delete(Path.Combine(folder, "model.safetensors"));
        AssertRefused(folder, "model.safetensors");
    }

    [Fact]
    public void Tensors_missing()
    {
        string folder = ModelFixtures.Copy("vit_timm", scratch);
        ModelFixtures.Rewrite(folder, item => item.Name.Contains("fc2", StringComparison.Ordinal) ? null : item);
        AssertRefused(folder, "6 tensors are missing: \"blocks.0.mlp.fc2.weight\", \"blocks.0.mlp.fc2.bias\", \"blocks.1.mlp.fc2.weight\", ...");
    }

    [Fact]
    public void A_part_of_a_fused_tensor_missing()
    {
        string folder = ModelFixtures.Copy("vit_hf", scratch);
        const string key = "vit.encoder.layer.1.attention.attention.key.bias";
        ModelFixtures.Rewrite(folder, item => item.Name == key ? null : item);
        AssertRefused(folder, $"1 tensor is missing: \"{key}\"");
    }

    [Fact]
    public void Tensors_too_many()
    {
        string folder = ModelFixtures.Copy("vit_timm", scratch);
        ModelFixtures.Rewrite(folder, item => item, new SafeTensorItem("blocks.0.attn.q_norm.weight", SafeTensorType.F32, 16));
        AssertRefused(folder, "1 tensor is not part of the model: \"blocks.0.attn.q_norm.weight\" (timm ViT");
    }

    [Fact]
    public void A_tensor_of_another_shape()
    {
        string folder = ModelFixtures.Copy("vit_timm", scratch);
        ModelFixtures.Rewrite(folder, item => item.Name == "blocks.1.norm2.bias" ? new(item.Name, item.Type, 47) : item);
        AssertRefused(folder, "model.safetensors: tensor \"blocks.1.norm2.bias\": F32 [47] found, config.json makes it [48]");
    }

    [Fact]
    public void A_tensor_that_is_no_float()
    {
        string folder = ModelFixtures.Copy("vit_timm", scratch);
        ModelFixtures.Rewrite(folder, item => item.Name == "norm.bias" ? new(item.Name, SafeTensorType.I32, item.Shape) : item);
        AssertRefused(folder, "tensor \"norm.bias\": I32 found");
    }

    [Fact]
    public void No_known_layout()
    {
        string folder = ModelFixtures.Copy("vit_timm", scratch);
        ModelFixtures.Rewrite(folder, item => new("model." + item.Name, item.Type, item.Shape));
        AssertRefused(folder, "is in no layout known here (timm ViT, ", "): config.json calls it \"vision_transformer\"; it holds 44 tensors, first \"model.");
    }

    [Fact]
    public void Another_kind_of_model() =>
        Assert.Contains("holds a VisionTransformer (timm ViT), not a Linear",
            Assert.Throws<CheckpointException>(() => ModelFolder.Load<Linear>(ModelFixtures.Folder("vit_timm"))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("\"hidden_size\": 48", "\"hidden_size\": \"48\"", "config.json: \"hidden_size\" must be a whole number, found \"48\"")]
    [InlineData("\"hidden_size\": 48", "\"hidden_size\": 48.5", "must be a whole number, found 48.5")]
    [InlineData("\"num_labels\": 7", "\"num_labels\": 1e99", "\"num_labels\" must be a whole number, found 1e99")]
    [InlineData("\"layer_norm_eps\": 1e-06", "\"layer_norm_eps\": NaN", "is not JSON")]
    [InlineData("\"layer_norm_eps\": 1e-06", "\"layer_norm_eps\": 1e99", "\"layer_norm_eps\" must be a number, found 1e99")]
    [InlineData("\"image_size\": 32,", "", "config.json: lacks \"image_size\"")]
    [InlineData("\"num_attention_heads\": 3", "\"num_attention_heads\": 5", "width 48 is not a multiple of 5 heads")]
    [InlineData("\"num_attention_heads\": 3", "\"num_attention_heads\": 0", "must be positive")]
    [InlineData("\"num_hidden_layers\": 3", "\"num_hidden_layers\": 2147483647", "no model is of this size")]
    [InlineData("\"hidden_size\": 48", "\"hidden_size\": 2147483646", "no model is of this size")]
    [InlineData("\"hidden_act\": \"gelu\"", "\"hidden_act\": \"mish\"", "\"hidden_act\" is \"mish\"")]
    [InlineData("\"num_hidden_layers\": 3", "\"num_hidden_layers\": 4", "holds 3 blocks, config.json says 4")]
    [InlineData("\"num_hidden_layers\": 3", "\"num_hidden_layers\": 2", "holds 3 blocks, config.json says 2")]
    [InlineData("\"hidden_size\": 48", "\"hidden_size\": 96", "tensor \"patch_embed.proj.weight\": F32 [48, 3, 8, 8] found, config.json makes it [96, 3, 8, 8]")]
    [InlineData("\"image_size\": 32", "\"image_size\": 64", "tensor \"pos_embed\": F32 [1, 17, 48] found, config.json makes it [1, 65, 48]")]
    [InlineData("\"num_labels\": 7", "\"num_labels\": 8", "tensor \"head.weight\": has 7 classes, config.json says 8")]
    [InlineData("\"hidden_size\": 48,", "\"hidden_size\": 48,,", "is not JSON")]
    [InlineData("\"hidden_size\"", "\"width\"", "config.json: \"architecture\" is \"vision_transformer\"")]
    public void A_config_that_is_wrong(string right, string wrong, string problem)
    {
        string folder = ModelFixtures.Copy("vit_timm", scratch);
        string path = Path.Combine(folder, "config.json"), config = File.ReadAllText(path);
        Assert.Contains(right, config, StringComparison.Ordinal);
        File.WriteAllText(path, config.Replace(right, wrong, StringComparison.Ordinal));
        AssertRefused(folder, problem);
    }

    [Theory]
    [InlineData("""{"architecture": "\ud800"}""", "is not JSON (the text at byte 17 is no Unicode)")]
    [InlineData("""{"hidden_size": 48, "hidden_size": 96}""", "is not JSON")]
    [InlineData("[]", "must be a JSON object, found Array")]
    [InlineData("", "is not JSON")]
    [InlineData("""{"architecture": "vit_base_patch16_siglip_224"}""", "\"architecture\" is \"vit_base_patch16_siglip_224\"; known are")]
    [InlineData("""{"architecture": "vit_base_patch16_224", "model_args": {"qk_norm": true}}""", "\"model_args.qk_norm\" is an option")]
    [InlineData("""{"architecture": "vit_base_patch16_224", "model_args": {"depth": "three"}}""", "\"model_args.depth\" must be a whole number, found \"three\"")]
    [InlineData("""{"architecture": "vit_base_patch16_224", "model_args": 3}""", "\"model_args\" must be an object, found 3")]
    [InlineData("""{"architecture": "vit_base_patch16_224", "global_pool": "map"}""", "\"global_pool\" is \"map\"")]
    public void A_config_that_is_something_else(string config, string problem)
    {
        string folder = ModelFixtures.Copy("vit_timm", scratch);
        File.WriteAllText(Path.Combine(folder, "config.json"), config);
        AssertRefused(folder, problem);
    }

    [Fact]
    public void Whatever_a_config_was_spoilt_into_it_loads_or_gives_one_line()
    {
        string folder = ModelFixtures.Copy("vit_timm", scratch), path = Path.Combine(folder, "config.json");
        byte[] whole = File.ReadAllBytes(path);
        byte[] alphabet = [.. "{}[]\",:.-+eE0123456789truefalsn\\ \0"u8, 0xc3, 0xff];
        Philox random = new(11);
        int refused = 0;
        for (int attempt = 0; attempt < 400; attempt++)
        {
            byte[] spoilt = [.. whole];
            for (int change = 0; change <= attempt % 3; change++)
            {
                ulong at = (ulong)(attempt * 8 + change * 2);
                spoilt[random.Below(at, spoilt.Length)] = alphabet[random.Below(at + 1, alphabet.Length)];
            }

            File.WriteAllBytes(path, spoilt);
            try
            {
                ModelFolder.Load<VisionTransformer>(folder, new() { Classes = 2 });
            }
            catch (CheckpointException refusal)
            {
                Assert.DoesNotContain('\n', refusal.Message);
                refused++;
            }
        }

        Assert.InRange(refused, 100, 399);
    }

    static void AssertRefused(string folder, params ReadOnlySpan<string> parts)
    {
        string message = Assert.Throws<CheckpointException>(() => ModelFolder.Load<VisionTransformer>(folder)).Message;
        foreach (string part in parts) Assert.Contains(part, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }
}

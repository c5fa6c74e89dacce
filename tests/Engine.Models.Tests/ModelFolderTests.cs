using System.Text.Json;
using Engine.Autograd;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Models.Tests;

public sealed class ModelFolderTests : IDisposable
{
    readonly SafeTensorsScratch scratch = new();

    public static TheoryData<string> Names => [.. ModelFixtures.Names("vit_")];

    public void Dispose() => scratch.Dispose();

    [Theory, MemberData(nameof(Names))]
    public void An_untrained_model_is_saved_byte_for_byte_as_it_came(string name)
    {
        LoadedModel<VisionTransformer> loaded = ModelFolder.Load<VisionTransformer>(ModelFixtures.Folder(name));
        loaded.Save(scratch["saved"]);
        ModelFixtures.AssertSameFolders(ModelFixtures.Folder(name), scratch["saved"]);
        Assert.Empty(loaded.Fresh);
        Assert.Empty(loaded.Unused);
        Assert.Equal(7, loaded.StoredClasses);
        Assert.False(loaded.Model.IsTraining);
    }

    [Theory]
    [InlineData("vit_timm", "timm ViT")]
    [InlineData("vit_hf", "Hugging Face ViT")]
    [InlineData("vit_torchvision", "torchvision ViT")]
    public void The_layout_is_recognised_by_the_tensors(string name, string layout) =>
        Assert.Equal(layout, ModelFolder.Load<VisionTransformer>(ModelFixtures.Folder(name)).Layout);

    [Theory]
    [InlineData(SafeTensorType.F16)]
    [InlineData(SafeTensorType.BF16)]
    public void Half_precision_weights_are_converted_and_saved_as_they_came(SafeTensorType type)
    {
        string folder = ModelFixtures.Copy("vit_hf", scratch);
        Convert(folder, type);
        LoadedModel<VisionTransformer> loaded = ModelFolder.Load<VisionTransformer>(folder);
        Assert.All(loaded.Model.Parameters, parameter => Assert.Equal(DType.Float32, parameter.Value.DType));
        float[] exact = ModelFolder.Load<VisionTransformer>(ModelFixtures.Folder("vit_hf")).Model["blocks.1.attn.qkv.weight"].Value.ToArray<float>();
        float[] rounded = loaded.Model["blocks.1.attn.qkv.weight"].Value.ToArray<float>();
        for (int i = 0; i < exact.Length; i++) Assert.Equal(exact[i], rounded[i], MathF.Abs(exact[i]) / 128 + 1e-7f);
        loaded.Save(scratch["saved"]);
        ModelFixtures.AssertSameFolders(folder, scratch["saved"]);
    }

    [Fact]
    public void Double_precision_weights_are_converted()
    {
        string folder = ModelFixtures.Copy("vit_timm", scratch);
        Convert(folder, SafeTensorType.F64);
        VisionTransformer model = ModelFolder.Load<VisionTransformer>(folder).Model;
        VisionTransformer exact = ModelFolder.Load<VisionTransformer>(ModelFixtures.Folder("vit_timm")).Model;
        foreach (Parameter parameter in exact.Parameters) TensorAssert.SameBits(model[parameter.Name].Value, parameter.Value, parameter.Name);
    }

    [Fact]
    public void A_trained_model_is_saved_in_its_layout_and_loads_with_the_trained_values()
    {
        LoadedModel<VisionTransformer> loaded = ModelFolder.Load<VisionTransformer>(ModelFixtures.Folder("vit_hf"));
        Parameter trained = loaded.Model["blocks.2.attn.qkv.bias"];
        trained.Load(Tensor.From<float>([.. Enumerable.Range(0, 144).Select(i => i / 7f)], [144]));
        loaded.Save(scratch["saved"]);
        using (SafeTensors file = SafeTensors.Open(Path.Combine(scratch["saved"], "model.safetensors")))
            Assert.Equal(48 / 7f, file.Read<float>("vit.encoder.layer.2.attention.attention.key.bias")[0]);
        VisionTransformer again = ModelFolder.Load<VisionTransformer>(scratch["saved"]).Model;
        foreach (Parameter parameter in loaded.Model.Parameters) TensorAssert.SameBits(again[parameter.Name].Value, parameter.Value, parameter.Name);
    }

    [Fact]
    public void The_older_names_of_torchvisions_files_come_and_go_too()
    {
        string folder = ModelFixtures.Copy("vit_torchvision", scratch);
        ModelFixtures.Rewrite(folder, item => new(
            item.Name.Replace(".mlp.0.", ".mlp.linear_1.", StringComparison.Ordinal).Replace(".mlp.3.", ".mlp.linear_2.", StringComparison.Ordinal), item.Type, item.Shape));
        LoadedModel<VisionTransformer> loaded = ModelFolder.Load<VisionTransformer>(folder);
        VisionTransformer newer = ModelFolder.Load<VisionTransformer>(ModelFixtures.Folder("vit_torchvision")).Model;
        foreach (Parameter parameter in newer.Parameters) TensorAssert.SameBits(loaded.Model[parameter.Name].Value, parameter.Value, parameter.Name);
        loaded.Save(scratch["saved"]);
        ModelFixtures.AssertSameFolders(folder, scratch["saved"]);
    }

    [Fact]
    public void Shards_come_and_go_as_shards()
    {
        string folder = ModelFixtures.Copy("vit_timm", scratch);
        Shard(folder);
        LoadedModel<VisionTransformer> loaded = ModelFolder.Load<VisionTransformer>(folder);
        loaded.Save(scratch["saved"]);
        Assert.Equal(
            ["config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"],
            Directory.GetFiles(scratch["saved"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        ModelFixtures.AssertSameFolders(folder, scratch["saved"], except: "model.safetensors.index.json");
        VisionTransformer again = ModelFolder.Load<VisionTransformer>(scratch["saved"]).Model;
        foreach (Parameter parameter in loaded.Model.Parameters) TensorAssert.SameBits(again[parameter.Name].Value, parameter.Value, parameter.Name);
    }

    [Theory, MemberData(nameof(Names))]
    public void Another_number_of_classes_takes_a_fresh_head_and_nothing_else(string name)
    {
        LoadedModel<VisionTransformer> loaded = ModelFolder.Load<VisionTransformer>(ModelFixtures.Folder(name), new() { Classes = 3, Seed = 5 });
        Assert.Equal(["head.weight", "head.bias"], loaded.Fresh);
        Assert.Equal(loaded.Fresh, loaded.Model.Parameters.Where(parameter => parameter.IsFresh).Select(parameter => parameter.Name));
        Assert.Equal((7, 3), (loaded.StoredClasses, loaded.Model.Config.Classes));
        Assert.Contains(loaded.Model["head.weight"].Value.ToArray<float>(), value => value != 0);

        loaded.Save(scratch["saved"]);
        LoadedModel<VisionTransformer> again = ModelFolder.Load<VisionTransformer>(scratch["saved"]);
        Assert.Equal(3, again.StoredClasses);
        Assert.Empty(again.Fresh);
        foreach (Parameter parameter in loaded.Model.Parameters) TensorAssert.SameBits(again.Model[parameter.Name].Value, parameter.Value, parameter.Name);
    }

    [Fact]
    public void The_same_number_of_classes_keeps_the_head_unless_a_fresh_one_is_asked_for()
    {
        Assert.Empty(ModelFolder.Load<VisionTransformer>(ModelFixtures.Folder("vit_timm"), new() { Classes = 7 }).Fresh);
        Assert.Equal(["head.weight", "head.bias"], ModelFolder.Load<VisionTransformer>(ModelFixtures.Folder("vit_timm"), new() { FreshHead = true }).Fresh);
    }

    [Fact]
    public void The_hubs_form_of_config_names_an_architecture_and_what_departs_from_it()
    {
        string folder = ModelFixtures.Copy("vit_timm", scratch);
        File.WriteAllText(Path.Combine(folder, "config.json"), """
            {"architecture": "vit_base_patch16_224", "num_classes": 7, "num_features": 48, "global_pool": "token",
             "model_args": {"embed_dim": 48, "depth": 3, "num_heads": 3, "patch_size": 8},
             "pretrained_cfg": {"tag": "test", "input_size": [3, 32, 32], "num_classes": 7}}
            """);
        LoadedModel<VisionTransformer> loaded = ModelFolder.Load<VisionTransformer>(folder);
        Assert.Equal(ModelFolder.Load<VisionTransformer>(ModelFixtures.Folder("vit_timm")).Model.Config, loaded.Model.Config);

        ModelFolder.Load<VisionTransformer>(folder, new() { Classes = 2 }).Save(scratch["two"]);
        using JsonDocument config = JsonDocument.Parse(File.ReadAllText(Path.Combine(scratch["two"], "config.json")));
        Assert.Equal(2, config.RootElement.GetProperty("num_classes").GetInt32());
        Assert.Equal("vit_base_patch16_224", config.RootElement.GetProperty("architecture").GetString());
        Assert.Equal(2, ModelFolder.Load<VisionTransformer>(scratch["two"]).StoredClasses);
    }

    [Fact]
    public void Averaging_and_layer_scale_have_their_names_in_timms_layout()
    {
        string folder = ModelFixtures.Copy("vit_timm", scratch);
        string config = File.ReadAllText(Path.Combine(folder, "config.json"));
        File.WriteAllText(Path.Combine(folder, "config.json"), config.Replace("{", "{\"global_pool\": \"avg\", \"init_values\": 0.1,", StringComparison.Ordinal));
        ModelFixtures.Rewrite(folder,
            item => new(item.Name.StartsWith("norm.", StringComparison.Ordinal) ? "fc_" + item.Name : item.Name, item.Type, item.Shape),
            [.. Enumerable.Range(0, 6).Select(i => new SafeTensorItem($"blocks.{i / 2}.ls{1 + i % 2}.gamma", SafeTensorType.F32, 48))]);
        LoadedModel<VisionTransformer> loaded = ModelFolder.Load<VisionTransformer>(folder);
        Assert.Equal((Pooling.Average, 0.1f), (loaded.Model.Config.Pooling, loaded.Model.Config.LayerScale));
        Assert.False(loaded.Model["pooled_norm.weight"].IsFresh);
        loaded.Save(scratch["saved"]);
        ModelFixtures.AssertSameFolders(folder, scratch["saved"]);
    }

    [Fact]
    public void A_headless_encoder_loads_its_pooler_is_kept_and_a_head_can_be_asked_for()
    {
        string folder = ModelFixtures.Copy("vit_hf", scratch);
        string config = File.ReadAllText(Path.Combine(folder, "config.json"));
        File.WriteAllText(Path.Combine(folder, "config.json"), config.Replace("ViTForImageClassification", "ViTModel", StringComparison.Ordinal));
        ModelFixtures.Rewrite(folder,
            item => item.Name.StartsWith("classifier.", StringComparison.Ordinal) ? null : new(item.Name["vit.".Length..], item.Type, item.Shape),
            new("pooler.dense.weight", SafeTensorType.F32, 48, 48), new("pooler.dense.bias", SafeTensorType.F32, 48));
        LoadedModel<VisionTransformer> loaded = ModelFolder.Load<VisionTransformer>(folder);
        Assert.Equal(0, loaded.Model.Config.Classes);
        Assert.Equal(["pooler.dense.weight", "pooler.dense.bias"], loaded.Unused);
        loaded.Save(scratch["saved"]);
        ModelFixtures.AssertSameFolders(folder, scratch["saved"]);

        LoadedModel<VisionTransformer> headed = ModelFolder.Load<VisionTransformer>(folder, new() { Classes = 4 });
        Assert.Equal(["head.weight", "head.bias"], headed.Fresh);
        headed.Save(scratch["headed"]);
        LoadedModel<VisionTransformer> again = ModelFolder.Load<VisionTransformer>(scratch["headed"]);
        Assert.Equal(4, again.StoredClasses);
        Assert.Equal(["vit.pooler.dense.weight", "vit.pooler.dense.bias"], again.Unused);
        foreach (Parameter parameter in headed.Model.Parameters) TensorAssert.SameBits(again.Model[parameter.Name].Value, parameter.Value, parameter.Name);
    }

    [Fact]
    public void A_head_given_to_a_headless_model_is_saved_with_it()
    {
        string folder = ModelFixtures.Copy("vit_timm", scratch);
        string config = File.ReadAllText(Path.Combine(folder, "config.json"));
        File.WriteAllText(Path.Combine(folder, "config.json"), config.Replace("\"num_labels\": 7", "\"num_labels\": 0", StringComparison.Ordinal));
        ModelFixtures.Rewrite(folder, item => item.Name.StartsWith("head.", StringComparison.Ordinal) ? null : item);
        LoadedModel<VisionTransformer> loaded = ModelFolder.Load<VisionTransformer>(folder, new() { Classes = 4 });
        loaded.Save(scratch["saved"]);
        LoadedModel<VisionTransformer> again = ModelFolder.Load<VisionTransformer>(scratch["saved"]);
        Assert.Equal(4, again.StoredClasses);
        TensorAssert.SameBits(again.Model["head.weight"].Value, loaded.Model["head.weight"].Value, "head.weight");
    }

    [Fact]
    public void Larger_images_resample_the_positions_and_keep_the_class_tokens()
    {
        LoadedModel<VisionTransformer> small = ModelFolder.Load<VisionTransformer>(ModelFixtures.Folder("vit_timm"));
        LoadedModel<VisionTransformer> large = ModelFolder.Load<VisionTransformer>(ModelFixtures.Folder("vit_timm"), new() { ImageSize = 64 });
        Tensor stored = small.Model["position_embedding"].Value, resampled = large.Model["position_embedding"].Value;
        Assert.Equal([1, 65, 48], resampled.Shape);
        TensorAssert.SameBits(resampled.Slice(1, 0, 1), stored.Slice(1, 0, 1), "class token");
        Tensor expected = Functions.Interpolate(
            stored.Slice(1, 1, 17).Reshape(1, 4, 4, 48).Permute(0, 3, 1, 2).Contiguous(), 8, 8, Interpolation.Bicubic, antialias: true).Value;
        TensorAssert.SameBits(resampled.Slice(1, 1, 65).Contiguous(), expected.Permute(0, 2, 3, 1).Reshape(1, 64, 48), "patches");
        using StepScope step = StepScope.Begin();
        Assert.Equal([1, 7], large.Model.Forward(Tensor.Ones([1, 3, 64, 64])).Shape);

        large.Save(scratch["large"]);
        VisionTransformer again = ModelFolder.Load<VisionTransformer>(scratch["large"]).Model;
        Assert.Equal(64, again.Config.ImageSize);
        TensorAssert.SameBits(again["position_embedding"].Value, resampled, "saved");
    }

    [Fact]
    public void A_model_from_scratch_is_saved_in_a_layout_that_loads()
    {
        VitConfig config = ModelFixtures.Small with { Pooling = Pooling.Average, LayerScale = 0.25f, HasClassToken = false, Activation = Activation.QuickGelu, Epsilon = 1e-4f, QkvBias = false };
        VisionTransformer model = new(config, seed: 3);
        ModelFolder.Save(model, scratch["new"]);
        LoadedModel<VisionTransformer> loaded = ModelFolder.Load<VisionTransformer>(scratch["new"]);
        Assert.Equal(config, loaded.Model.Config);
        foreach (Parameter parameter in model.Parameters) TensorAssert.SameBits(loaded.Model[parameter.Name].Value, parameter.Value, parameter.Name);
        loaded.Save(scratch["again"]);
        ModelFixtures.AssertSameFolders(scratch["new"], scratch["again"]);
    }

    [Fact]
    public void Saving_over_a_folder_replaces_the_model_and_leaves_other_files()
    {
        string folder = ModelFixtures.Copy("vit_timm", scratch);
        File.WriteAllText(Path.Combine(folder, "README.md"), "mine");
        File.WriteAllText(Path.Combine(folder, "model.safetensors.index.json"), "stale");
        LoadedModel<VisionTransformer> loaded = ModelFolder.Load<VisionTransformer>(ModelFixtures.Folder("vit_hf"));
        loaded.Save(folder);
        Assert.Equal(["README.md", "config.json", "model.safetensors"], Directory.GetFileSystemEntries(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal("Hugging Face ViT", ModelFolder.Load<VisionTransformer>(folder).Layout);
    }

    [Fact]
    public void A_save_that_fails_leaves_what_was_there()
    {
        string folder = ModelFixtures.Copy("vit_timm", scratch);
        LoadedModel<VisionTransformer> loaded = ModelFolder.Load<VisionTransformer>(folder);
        loaded.Model["head.weight"].Value.Release();
        Assert.Throws<ReleasedException>(() => loaded.Save(folder));
        Assert.Throws<ReleasedException>(() => loaded.Save(scratch["new"]));
        ModelFixtures.AssertSameFolders(ModelFixtures.Folder("vit_timm"), folder);
        Assert.Equal(["vit_timm"], Directory.GetFileSystemEntries(scratch.Folder).Select(Path.GetFileName));
    }

    [Fact]
    public void Parameters_that_the_layout_has_no_place_for_are_not_lost_in_silence()
    {
        LoadedModel<VisionTransformer> loaded = ModelFolder.Load<VisionTransformer>(ModelFixtures.Folder("vit_timm"));
        _ = new Linear(loaded.Model.At / "extra" / "layer", 2, 2);
        Assert.Contains("extra.layer.weight has no place", Assert.Throws<CheckpointException>(() => loaded.Save(scratch["saved"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_saved_when_the_source_is_gone_is_whole()
    {
        string folder = ModelFixtures.Copy("vit_torchvision", scratch);
        LoadedModel<VisionTransformer> loaded = ModelFolder.Load<VisionTransformer>(folder);
        Directory.Delete(folder, recursive: true);
        loaded.Save(scratch["saved"]);
        ModelFixtures.AssertSameFolders(ModelFixtures.Folder("vit_torchvision"), scratch["saved"]);
    }

    static void Convert(string folder, SafeTensorType type)
    {
        string path = Path.Combine(folder, "model.safetensors");
        using (SafeTensors file = SafeTensors.Open(path))
        {
            SafeTensors.Create(path + ".new", writer =>
            {
                foreach (SafeTensorItem item in file.Items.Values)
                {
                    ReadOnlySpan<float> values = file.Read<float>(item.Name);
                    byte[] bytes = new byte[item.ElementCount * type.Bits() / 8];
                    for (int i = 0; i < values.Length; i++)
                    {
                        if (type == SafeTensorType.F64) BitConverter.TryWriteBytes(bytes.AsSpan(8 * i), (double)values[i]);
                        else if (type == SafeTensorType.F16) BitConverter.TryWriteBytes(bytes.AsSpan(2 * i), (Half)values[i]);
                        else BitConverter.TryWriteBytes(bytes.AsSpan(2 * i), (ushort)(BitConverter.SingleToUInt32Bits(values[i]) >> 16));
                    }

                    writer.Write(item.Name, type, item.Shape, bytes);
                }
            }, file.Metadata);
        }

        File.Move(path + ".new", path, overwrite: true);
    }

    static void Shard(string folder)
    {
        string path = Path.Combine(folder, "model.safetensors");
        using SafeTensors file = SafeTensors.Open(path);
        List<string> entries = [];
        for (int shard = 1; shard <= 2; shard++)
        {
            string name = $"model-0000{shard}-of-00002.safetensors";
            SafeTensors.Create(Path.Combine(folder, name), writer =>
            {
                foreach (SafeTensorItem item in file.Items.Values.Where(item => item.Name.StartsWith("blocks.", StringComparison.Ordinal) == (shard == 1)))
                {
                    writer.Write(item.Name, item.Type, item.Shape, file.Read(item.Name));
                    entries.Add($"\"{item.Name}\": \"{name}\"");
                }
            }, file.Metadata);
        }

        File.WriteAllText(path + ".index.json", $$"""{"metadata": {"total_size": 1}, "weight_map": { {{string.Join(", ", entries)}} } }""");
        file.Dispose();
        File.Delete(path);
    }

    [Theory]
    [InlineData("vit_timm", ModelKind.ImageClassifier)]
    [InlineData("vit_hf", ModelKind.ImageClassifier)]
    [InlineData("llama_mha", ModelKind.LanguageModel)]
    [InlineData("llama_gqa_tied", ModelKind.LanguageModel)]
    public void A_folder_says_what_its_model_does(string name, ModelKind kind) => Assert.Equal(kind, ModelFolder.KindOf(ModelFixtures.Folder(name)));
}

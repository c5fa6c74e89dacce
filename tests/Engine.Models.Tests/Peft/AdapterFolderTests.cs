using System.Text.Json.Nodes;
using Engine.Autograd;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Models.Tests;

public sealed class AdapterFolderTests
{
    const string ConfigName = "adapter_config.json", WeightsName = "adapter_model.safetensors";

    static LoadedModel<VisionTransformer> Load(string name = "vit_hf", LoadOptions? options = null) => ModelFolder.Load<VisionTransformer>(ModelFixtures.Folder(name), options);

    // A folder as the PEFT library writes it, made by hand: no code of ours has named its tensors.
    static string Write(SafeTensorsScratch scratch, string config, params (string Name, int[] Shape)[] tensors)
    {
        string folder = scratch["adapter"];
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, ConfigName), config);
        SafeTensors.Create(Path.Combine(folder, WeightsName), writer =>
        {
            ulong stream = 0;
            foreach ((string name, int[] shape) in tensors)
                writer.Write<float>(name, [.. shape.Select(extent => (long)extent)], RandomNumbers.Normal(Shape.Create(shape), new Philox(5, stream++)).ToArray<float>());
        }, [new("format", "pt")]);
        return folder;
    }

    static (string, int[])[] QueryValue(int depth, int width, int rank, string prefix = "base_model.model.vit.encoder.layer") =>
        [.. from layer in Enumerable.Range(0, depth)
            from name in (string[])["query", "value"]
            from matrix in (string[])["lora_A", "lora_B"]
            select ($"{prefix}.{layer}.attention.attention.{name}.{matrix}.weight", matrix == "lora_A" ? (int[])[rank, width] : [width, rank])];

    const string QueryValueConfig = """
        {
          "peft_type": "LORA", "r": 2, "lora_alpha": 6, "target_modules": ["query", "value"], "lora_dropout": 0.1, "bias": "none",
          "base_model_name_or_path": "google/vit-tiny", "some_new_key": {"kept": 1.50}
        }
        """;

    [Fact]
    public void Query_and_value_alone_are_adapted_where_the_model_has_them_fused()
    {
        using StepScope step = StepScope.Begin();
        using SafeTensorsScratch scratch = new();
        LoadedModel<VisionTransformer> loaded = Load();
        VitConfig config = loaded.Model.Config;
        string folder = Write(scratch, QueryValueConfig, QueryValue(config.Depth, config.Width, 2));
        Tensor before = loaded.Model["blocks.1.attn.qkv.weight"].Value.Clone();
        AdapterSet adapters = Peft.Load(loaded, folder);
        Assert.Equal(config.Depth, adapters.Adapters.Count);

        using SafeTensors file = SafeTensors.Open(Path.Combine(folder, WeightsName));
        Tensor Stored(string name, params int[] shape) => Tensor.From(file.Read<float>($"base_model.model.vit.encoder.layer.1.attention.attention.{name}.weight"), Shape.Create(shape));
        Tensor expected = before.Clone();
        foreach ((string part, int first) in (ReadOnlySpan<(string, int)>)[("query", 0), ("value", 2 * config.Width)])
        {
            Tensor rows = expected.Slice(0, first, first + config.Width);
            rows.CopyFrom(rows + Matrices.MatMul(Stored($"{part}.lora_B", config.Width, 2), Stored($"{part}.lora_A", 2, config.Width)) * 3);
        }

        Tensor pixels = RandomNumbers.Normal([2, config.Channels, config.ImageSize, config.ImageSize], new Philox(1));
        Tensor adapted = loaded.Model.Forward(pixels).Value;
        adapters.Merge();
        TensorAssert.Close(loaded.Model["blocks.1.attn.qkv.weight"].Value, expected, 1e-5, 1e-6, "merged weight");
        TensorAssert.Close(loaded.Model.Forward(pixels).Value, adapted, 1e-3, 1e-4, "merged model");
    }

    [Fact]
    public void An_untrained_adapter_is_saved_to_the_byte()
    {
        using SafeTensorsScratch scratch = new();
        LoadedModel<VisionTransformer> loaded = Load();
        string folder = Write(scratch, QueryValueConfig, QueryValue(loaded.Model.Config.Depth, loaded.Model.Config.Width, 2));
        AdapterSet adapters = Peft.Load(loaded, folder);
        adapters.Save(scratch["again"]);
        foreach (string name in (string[])[ConfigName, WeightsName])
            Assert.Equal(File.ReadAllBytes(Path.Combine(folder, name)), File.ReadAllBytes(Path.Combine(scratch["again"], name)));

        adapters.Save(scratch["moved"], baseModel: "elsewhere");
        JsonNode config = JsonNode.Parse(File.ReadAllText(Path.Combine(scratch["moved"], ConfigName)))!;
        Assert.Equal("elsewhere", (string?)config["base_model_name_or_path"]);
        Assert.Equal("1.50", config["some_new_key"]!["kept"]!.ToJsonString());
    }

    public static TheoryData<string, AdapterOptions> Kinds => new()
    {
        { "vit_hf", new LoraOptions { Targets = ["q", "v", "fc1"], Rank = 2, Alpha = 3, RankStabilized = true, TrainHead = true, RankPattern = new Dictionary<string, int> { ["v"] = 3 } } },
        { "vit_hf", new LoraOptions { Targets = ["query"], Rank = 2, Bias = AdapterBias.All } },
        { "vit_timm", new LoraOptions { Targets = ["qkv"], Rank = 2, Bias = AdapterBias.AdaptedOnly, Dropout = 0.25f } },
        { "vit_torchvision", new LoraOptions { Targets = ["all-linear"], Rank = 2 } },
        { "vit_timm", new SeriesAdapterOptions { Targets = ["proj"], Bottleneck = 5, Activation = Activation.Relu, AlsoTrain = ["norm"] } },
        { "vit_timm", new SeriesAdapterOptions { Targets = ["*.fc1"], Bottleneck = 5, Placement = AdapterPlacement.Before } },
        { "vit_timm", new ParallelAdapterOptions { Targets = ["fc1", "fc2"], Bottleneck = 5, Scaling = 4 } },
    };

    [Theory, MemberData(nameof(Kinds))]
    public void What_was_attached_and_saved_is_loaded_onto_another_copy_of_the_model(string name, AdapterOptions options)
    {
        using StepScope step = StepScope.Begin();
        using SafeTensorsScratch scratch = new();
        LoadedModel<VisionTransformer> loaded = Load(name), again = Load(name);
        AdapterSet adapters = Peft.Attach(loaded, options);
        ulong stream = 0;
        foreach (Parameter parameter in loaded.Model.Parameters.Where(parameter => parameter.Trainable))
            parameter.Load(RandomNumbers.Normal(parameter.Shape, new Philox(9, stream++), deviation: 0.2f));
        adapters.Save(scratch["adapter"], baseModel: name);

        AdapterSet read = Peft.Load(again, scratch["adapter"]);
        Assert.Equal(adapters.ParameterCount, read.ParameterCount);
        Assert.Equal(Trained(loaded.Model), Trained(again.Model));
        VitConfig config = loaded.Model.Config;
        Tensor pixels = RandomNumbers.Normal([2, config.Channels, config.ImageSize, config.ImageSize], new Philox(1));
        TensorAssert.SameBits(again.Model.Forward(pixels).Value, loaded.Model.Forward(pixels).Value, "logits");
        read.Save(scratch["again"]);
        foreach (string file in (string[])[ConfigName, WeightsName])
            Assert.Equal(File.ReadAllBytes(Path.Combine(scratch["adapter"], file)), File.ReadAllBytes(Path.Combine(scratch["again"], file)));
    }

    static IEnumerable<string> Trained(Module model) => model.Parameters.Where(parameter => parameter.Trainable).Select(parameter => parameter.Name).Order();

    [Fact]
    public void A_new_folder_has_the_names_and_keys_of_the_peft_library()
    {
        using SafeTensorsScratch scratch = new();
        AdapterSet adapters = Peft.Attach(Load(), new LoraOptions { Targets = ["query"], Rank = 2, Alpha = 3, TrainHead = true, Bias = AdapterBias.AdaptedOnly });
        adapters.Save(scratch["adapter"], baseModel: "base");
        JsonNode config = JsonNode.Parse(File.ReadAllText(Path.Combine(scratch["adapter"], ConfigName)))!;
        Assert.Equal("""["query"]""", config["target_modules"]!.ToJsonString());
        Assert.Equal("""["classifier"]""", config["modules_to_save"]!.ToJsonString());
        Assert.Equal("lora_only", (string?)config["bias"]);
        using SafeTensors file = SafeTensors.Open(Path.Combine(scratch["adapter"], WeightsName));
        Assert.Contains("base_model.model.classifier.weight", file.Items.Keys);
        Assert.Contains("base_model.model.vit.encoder.layer.0.attention.attention.query.lora_A.weight", file.Items.Keys);
        Assert.Contains("base_model.model.vit.encoder.layer.0.attention.attention.query.base_layer.bias", file.Items.Keys);
    }

    [Theory]
    [InlineData("\"r\": 2", "\"r\": 2, \"use_dora\": true", "use_dora")]
    [InlineData("\"LORA\"", "\"IA3\"", "IA3")]
    [InlineData("\"r\": 2", "\"r\": 2, \"init_lora_weights\": \"pissa_niter_4\"", "pissa_niter_4")]
    [InlineData("\"r\": 2", "\"r\": 2, \"loftq_config\": {\"loftq_bits\": 4}", "loftq_config")]
    [InlineData("\"r\": 2", "\"r\": 3", "query.lora_A.weight\": it is [2, ")]
    [InlineData("\"r\": 2", "\"r\": 0", "rank is 0")]
    [InlineData("\"r\": 2", "\"r\": \"two\"", "whole number")]
    [InlineData("[\"query\", \"value\"]", "[\"query\", \"value\", \"key\"]", "attention.key\", which adapter_config.json lists")]
    [InlineData("[\"query\", \"value\"]", "\".*(query|\"", "target_modules")]
    [InlineData("\"none\"", "\"some\"", "\"bias\" is \"some\"")]
    public void A_folder_that_does_not_fit_is_refused_in_a_line_and_leaves_the_model_as_it_was(string part, string instead, string says)
    {
        using SafeTensorsScratch scratch = new();
        LoadedModel<VisionTransformer> loaded = Load();
        int own = loaded.Model.Parameters.Count;
        string folder = Write(scratch, QueryValueConfig.Replace(part, instead, StringComparison.Ordinal), QueryValue(loaded.Model.Config.Depth, loaded.Model.Config.Width, 2));
        string message = Assert.Throws<CheckpointException>(() => Peft.Load(loaded, folder)).Message;
        Assert.Contains(says, message, StringComparison.Ordinal);
        Assert.Equal(own, loaded.Model.Parameters.Count);
        Assert.All(loaded.Model.Parameters, parameter => Assert.True(parameter.Trainable));
    }

    [Fact]
    public void An_adapter_of_another_base_model_is_refused_by_its_first_tensor_that_does_not_fit()
    {
        using SafeTensorsScratch scratch = new();
        LoadedModel<VisionTransformer> loaded = Load();
        VitConfig config = loaded.Model.Config;
        string Refusal(params (string, int[])[] tensors) => Assert.Throws<CheckpointException>(() => Peft.Load(loaded, Write(scratch, QueryValueConfig, tensors))).Message;
        Assert.Contains($"layer.{config.Depth}.attention.attention.query.lora_A.weight\": the model has no layer", Refusal(QueryValue(config.Depth + 1, config.Width, 2)), StringComparison.Ordinal);
        Assert.Contains($"layer.0.attention.attention.query.lora_A.weight\": it is [2, {config.Width + 1}]", Refusal(QueryValue(config.Depth, config.Width + 1, 2)), StringComparison.Ordinal);
        Assert.Contains("google/vit-tiny", Refusal(QueryValue(config.Depth, config.Width, 2, "base_model.model.model.layers")), StringComparison.Ordinal);
        Assert.Contains("has no lora_B", Refusal([.. QueryValue(config.Depth, config.Width, 2).Where(tensor => !tensor.Item1.EndsWith("lora_B.weight", StringComparison.Ordinal))]), StringComparison.Ordinal);
        Assert.Contains("quantised", Assert.Throws<CheckpointException>(() => Peft.Load(loaded, Quantised(scratch))).Message, StringComparison.Ordinal);
        Assert.Contains("DoRA", Refusal([.. QueryValue(config.Depth, config.Width, 2), ("base_model.model.vit.encoder.layer.0.attention.attention.query.lora_magnitude_vector.weight", [config.Width])]), StringComparison.Ordinal);
    }

    static string Quantised(SafeTensorsScratch scratch)
    {
        string folder = Write(scratch, QueryValueConfig);
        SafeTensors.Create(Path.Combine(folder, WeightsName), writer =>
            writer.Write<sbyte>("base_model.model.vit.encoder.layer.0.attention.attention.query.lora_A.weight", [1], [3]));
        return folder;
    }

    [Fact]
    public void Folders_that_hold_no_adapter_are_refused_with_what_is_missing()
    {
        using SafeTensorsScratch scratch = new();
        LoadedModel<VisionTransformer> loaded = Load();
        string Refusal(string folder) => Assert.Throws<CheckpointException>(() => Peft.Load(loaded, folder)).Message;
        Assert.Contains("no such folder", Refusal(scratch["none"]), StringComparison.Ordinal);
        Assert.Contains("this one is a whole model", Refusal(ModelFixtures.Folder("vit_hf")), StringComparison.Ordinal);
        string folder = Write(scratch, QueryValueConfig);
        File.Move(Path.Combine(folder, WeightsName), Path.Combine(folder, "adapter_model.bin"));
        Assert.Contains("pickle", Refusal(folder), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_trained_beside_the_adapters_without_a_place_in_the_folder_is_not_lost_silently()
    {
        using SafeTensorsScratch scratch = new();
        LoadedModel<VisionTransformer> loaded = Load();
        AdapterSet adapters = Peft.Attach(loaded, new LoraOptions { Targets = ["query"] });
        loaded.Model.Unfreeze("norm.*");
        Assert.Contains("norm.weight is trained", Assert.Throws<CheckpointException>(() => adapters.Save(scratch["adapter"])).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(scratch["adapter"]));
    }

    [Fact]
    public void A_model_of_bfloat16_is_merged_in_float32_and_rounded_once()
    {
        using StepScope step = StepScope.Begin();
        using SafeTensorsScratch scratch = new();
        string original = scratch["bf16"];
        Halve(ModelFixtures.Folder("vit_timm"), original);
        LoadedModel<VisionTransformer> loaded = ModelFolder.Load<VisionTransformer>(original);
        AdapterSet adapters = Peft.Attach(loaded, new LoraOptions { Targets = ["fc1"], Rank = 2 });
        AdapterTests.Fill(loaded.Model);
        Linear layer = adapters.Adapters[0].Layer;
        Parameter a = layer.Adapter!["a"], b = layer.Adapter!["b"];
        Tensor expected = (layer.Weight.Value.To(DType.Float32) + Matrices.MatMul(b.Value * 8, a.Value)).To(DType.BFloat16);
        adapters.Merge();
        adapters.Detach();
        loaded.Save(scratch["merged"]);
        using SafeTensors merged = SafeTensors.Open(Path.Combine(scratch["merged"], "model.safetensors"));
        Assert.All(merged.Items.Values, item => Assert.Equal(SafeTensorType.BF16, item.Type));
        ushort[] written = merged.Read<ushort>("blocks.0.mlp.fc1.weight").ToArray();
        ushort[] right = expected.ToArray<ushort>();
        Assert.Equal(right, written);
    }

    static void Halve(string source, string target)
    {
        Directory.CreateDirectory(target);
        File.Copy(Path.Combine(source, "config.json"), Path.Combine(target, "config.json"));
        using SafeTensors file = SafeTensors.Open(Path.Combine(source, "model.safetensors"));
        SafeTensors.Create(Path.Combine(target, "model.safetensors"), writer =>
        {
            foreach (SafeTensorItem item in file.Items.Values)
                writer.Write<ushort>(item.Name, SafeTensorType.BF16, item.Shape, [.. file.Read<float>(item.Name).ToArray().Select(value => (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16))]);
        });
    }
}

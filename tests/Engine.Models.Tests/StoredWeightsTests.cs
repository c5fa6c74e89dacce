using Engine.Autograd;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Models.Tests;

/// <summary>Weights that stay in the 16 bits of a mapped file.</summary>
public sealed class StoredWeightsTests
{
    static readonly LoadOptions Stored = new() { Weights = WeightPrecision.Stored };

    public static IEnumerable<TheoryDataRow<FixtureCase>> Cases =>
        ModelFixtures.Cases("llama").Where(row => row.Data.Name is "llama_bf16" or "llama_f16");

    [Theory, MemberData(nameof(Cases))]
    public void Logits_and_loss_are_the_references_and_those_of_widened_weights_to_the_bit(FixtureCase reference)
    {
        using Fixture f = reference.Open();
        using StepScope step = StepScope.Begin();
        Llama stored = ModelFolder.Load<Llama>(ModelFixtures.Folder(f.Name), Stored with { Device = f.Device }).Model;
        Llama widened = ModelFolder.Load<Llama>(ModelFixtures.Folder(f.Name), new() { Device = f.Device }).Model;
        Tensor tokens = f.Load("in.ids");
        Variable logits = stored.Forward(tokens);
        TensorAssert.Close(logits.Value, f.Load("out.logits"), f.RelativeTolerance, f.AbsoluteTolerance, $"{f.Name}: logits");
        TensorAssert.SameBits(logits.Value, widened.Forward(tokens).Value, f.Name);
        TensorAssert.Close(Loss(logits, tokens).Value.Reshape(1), f.Load("out.loss"), f.RelativeTolerance, f.AbsoluteTolerance, $"{f.Name}: loss");
    }

    [Theory, MemberData(nameof(Cases))]
    public void Gradients_of_adapters_and_norms_are_those_of_widened_weights_to_the_bit(FixtureCase reference)
    {
        using Fixture f = reference.Open();
        using StepScope step = StepScope.Begin();
        Tensor tokens = f.Load("in.ids");
        List<Llama> models = [];
        foreach (WeightPrecision precision in (WeightPrecision[])[WeightPrecision.Stored, WeightPrecision.Float32])
        {
            LoadedModel<Llama> loaded = ModelFolder.Load<Llama>(ModelFixtures.Folder(f.Name), new() { Device = f.Device, Weights = precision });
            Peft.Attach(loaded, new LoraOptions { Rank = 4, Targets = ["q_proj", "v_proj", "down_proj"] });
            loaded.Model.Unfreeze("*norm*");
            ulong stream = 0;
            foreach (Parameter parameter in loaded.Model.Parameters.Where(parameter => parameter.ZeroAnchor))
                parameter.Load(RandomNumbers.Normal(parameter.Shape, new Philox(9, stream++), deviation: 0.3f, device: f.Device));
            Loss(loaded.Model.Forward(tokens), tokens).Backward();
            models.Add(loaded.Model);
        }

        Parameter[] trained = [.. models[0].Parameters.Where(parameter => parameter.Trainable)];
        Assert.Equal(2 * 3 * 2 + 5, trained.Length);
        foreach (Parameter parameter in trained)
        {
            Assert.Contains(parameter.Gradient!.To(DType.Float32).ToArray<float>(), g => g != 0);
            TensorAssert.SameBits(parameter.Gradient!, models[1][parameter.Name].Gradient!, parameter.Name);
        }

        Assert.All(models[0].Parameters, parameter => Assert.True(parameter.Trainable || parameter.Gradient is null, parameter.Name));
    }

    // Only the CPU computes on mapped memory; other devices get a copy.
    [Trait("Device", "Cpu")]
    [Theory]
    [InlineData("llama_bf16", DType.BFloat16)]
    [InlineData("llama_f16", DType.Float16)]
    public void Matrices_stay_in_16_bits_and_frozen_vectors_do_not(string name, DType type)
    {
        Llama model = ModelFolder.Load<Llama>(ModelFixtures.Folder(name), Stored).Model;
        Assert.All(model.Parameters, parameter =>
        {
            Assert.Equal(parameter.Rank == 2 ? type : DType.Float32, parameter.Value.DType);
            Assert.Equal(parameter.Rank == 2, parameter.Value.Storage.IsReadOnly);
            Assert.Equal(parameter.Rank != 2, parameter.Trainable);
            Assert.False(parameter.IsFresh);
        });
        GradientException refused = Assert.Throws<GradientException>(() => model.Unfreeze("layers.0.attn.q.weight"));
        Assert.Contains("layers.0.attn.q.weight", refused.Message, StringComparison.Ordinal);
        Assert.Contains("Float32", refused.Message, StringComparison.Ordinal);
        Assert.Throws<DeviceException>(() => model["head.weight"].Load(Tensor.Zeros(model["head.weight"].Shape)));
    }

    [Fact]
    public void Nothing_that_a_step_scope_ends_takes_the_weights_away()
    {
        Llama model;
        using (StepScope.Begin()) model = ModelFolder.Load<Llama>(ModelFixtures.Folder("llama_bf16"), Stored).Model;
        GC.Collect();
        GC.WaitForPendingFinalizers();
        using StepScope step = StepScope.Begin();
        Assert.All(model.Forward(Tensor.From([1, 5, 7], [1, 3])).Value.ToArray<float>(), x => Assert.True(float.IsFinite(x)));
    }

    [Theory]
    [InlineData("llama_bf16")]
    [InlineData("llama_f16")]
    public void Saving_gives_the_same_bytes_elsewhere_and_in_the_folder_that_is_mapped(string name)
    {
        using SafeTensorsScratch scratch = new();
        string folder = ModelFixtures.Copy(name, scratch);
        LoadedModel<Llama> loaded = ModelFolder.Load<Llama>(folder, Stored);
        using StepScope step = StepScope.Begin();
        Tensor tokens = Tensor.From([1, 5, 7, 2], [1, 4]);
        Tensor before = loaded.Model.Forward(tokens).Value;
        loaded.Save(scratch["elsewhere"]);
        ModelFixtures.AssertSameFolders(folder, scratch["elsewhere"]);
        loaded.Save(folder);
        ModelFixtures.AssertSameFolders(ModelFixtures.Folder(name), folder);
        Directory.Delete(folder, recursive: true);
        TensorAssert.SameBits(loaded.Model.Forward(tokens).Value, before, "after its files are gone");
    }

    [Fact]
    public void A_float32_model_is_loaded_as_ever()
    {
        Llama model = ModelFolder.Load<Llama>(ModelFixtures.Folder("llama_mha"), Stored).Model;
        Assert.All(model.Parameters, parameter => Assert.True(parameter is { Value.DType: DType.Float32, Trainable: true }));
    }

    // Only the CPU computes on mapped memory; other devices get a copy.
    [Trait("Device", "Cpu")]
    [Fact]
    public void A_mapped_tensor_is_read_only()
    {
        using SafeTensorsScratch scratch = new();
        SafeTensors.Create(scratch["w.safetensors"], writer => writer.Write<float>("w", [2, 2], [1f, 2, 3, 4]));
        using SafeTensors file = SafeTensors.Open(scratch["w.safetensors"]);
        Tensor mapped = file.Map("w"), one = Tensor.Ones([2, 2]);
        Assert.Equal([1f, 2, 3, 4], mapped.ToArray<float>());
        Assert.Equal([1f, 3, 2, 4], mapped.Transpose().ToArray<float>());
        Assert.Equal([2f, 3, 4, 5], (mapped + one).ToArray<float>());
        Assert.Equal(4f, mapped.AsReadOnlySpan<float>()[3]);
        foreach (Action write in (Action[])[
            () => mapped.CopyFrom(one), () => mapped.CopyFrom<float>([1f, 2, 3, 4]), () => mapped.Slice(0, 0, 1).CopyFrom(one.Slice(0, 0, 1)), () => mapped.AsSpan<float>(),
            () => Elementwise.MapInto(new Add(), mapped, one, mapped), () => Matrices.MatMulInto(one, one, mapped),
            () => Matrices.LinearWeightGradientInto(one, one, mapped), () => mapped.Backend.Write(new byte[4], mapped.Storage, 0)])
            Assert.Contains("only lent for reading", Assert.Throws<DeviceException>(write).Message, StringComparison.Ordinal);
        Assert.Equal([1f, 2, 3, 4], mapped.ToArray<float>());
    }

    // Only the CPU computes on mapped memory; other devices get a copy.
    [Trait("Device", "Cpu")]
    [Fact]
    public void A_map_outlives_its_file_and_is_given_up_with_its_last_tensor()
    {
        using SafeTensorsScratch scratch = new();
        string path = scratch["mapped-once.safetensors"];
        SafeTensors.Create(path, writer =>
        {
            writer.Write<float>("a", [2], [1f, 2]);
            writer.Write<float>("b", [2], [3f, 4]);
        });
        SafeTensors file = SafeTensors.Open(path);
        Tensor a = file.Map("a"), b = file.Map("b");
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Map("a"));
        SafeTensors.Create(path, writer => writer.Write<float>("a", [2], [5f, 6]));
        Assert.Equal([1f, 2, 3, 4], (float[])[.. a.ToArray<float>(), .. b.ToArray<float>()]);
        File.Delete(path);
        a.Release();
        a.Release();
        Assert.Equal([3f, 4], b.ToArray<float>());
        if (OperatingSystem.IsLinux()) Assert.Contains(File.ReadLines("/proc/self/maps"), line => line.Contains("mapped-once", StringComparison.Ordinal));
        b.Release();
        if (OperatingSystem.IsLinux()) Assert.DoesNotContain(File.ReadLines("/proc/self/maps"), line => line.Contains("mapped-once", StringComparison.Ordinal));
        Assert.Throws<ReleasedException>(() => a.ToArray<float>());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void Elements_may_lie_at_any_byte(int padding)
    {
        using SafeTensorsScratch scratch = new();
        string header = """{"w":{"dtype":"BF16","shape":[40,16],"data_offsets":[0,1280]}}""" + new string(' ', padding);
        string path = scratch.Raw(header, 1280);
        using SafeTensors file = SafeTensors.Open(path);
        Tensor mapped = file.Map("w"), copied = Tensor.From(file.Read<ushort>("w"), [40, 16]), wide = copied.To(DType.Float32);
        TensorAssert.SameBits(mapped.To(DType.Float32), wide, "widened");
        foreach (int rows in (int[])[1, 3, 20])
        {
            Tensor x = RandomNumbers.Normal([rows, 16], new Philox(1)), dy = RandomNumbers.Normal([rows, 40], new Philox(2));
            TensorAssert.SameBits(Matrices.Linear(x, mapped), Matrices.Linear(x, wide), $"{rows} rows");
            TensorAssert.SameBits(Matrices.LinearInputGradient(dy, mapped), Matrices.LinearInputGradient(dy, wide), $"gradient of {rows} rows");
        }
    }

    static Variable Loss(Variable logits, Tensor tokens)
    {
        int last = tokens.Shape[1] - 1;
        Variable before = Functions.Reshape(Functions.Slice(logits, 1, 0, last), -1, logits.Shape[^1]);
        return Functions.CrossEntropy(before, tokens.Slice(1, 1, last + 1).Reshape(-1));
    }
}

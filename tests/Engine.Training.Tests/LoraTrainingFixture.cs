using Engine.Autograd;
using Engine.Models;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Training.Tests;

/// <summary>Sixteen steps of LoRA on a small LLaMA: the base's folder and the adapters' start, each as a user has them, and the batches.</summary>
sealed class LoraTrainingFixture : IDisposable
{
    const string Start = "initial.", Prefix = "base_model.model.";

    readonly DataFolder folder = new();
    readonly Fixture fixture;
    readonly LoadedModel<Llama> loaded;
    readonly AdapterSet adapters;

    public LoraTrainingFixture(Fixture fixture)
    {
        this.fixture = fixture;
        string source = FixtureFolder.Path("training", fixture.Name), model = Path.Combine(folder.Path, "model"), adapter = Path.Combine(folder.Path, "adapter");
        Directory.CreateDirectory(model);
        Directory.CreateDirectory(adapter);
        File.Copy(Path.Combine(source, "config.json"), Path.Combine(model, "config.json"));
        using SafeTensors both = SafeTensors.Open(Path.Combine(source, "model.safetensors"));
        Copy(both, Path.Combine(model, "model.safetensors"), name => name.StartsWith(Start, StringComparison.Ordinal) ? null : name);
        Copy(both, Path.Combine(adapter, "adapter_model.safetensors"), name => name.StartsWith(Start, StringComparison.Ordinal) ? Prefix + name[Start.Length..] : null);
        File.WriteAllText(Path.Combine(adapter, "adapter_config.json"),
            $$"""{"peft_type": "LORA", "r": {{fixture.Config<int>("r")}}, "lora_alpha": {{fixture.Config<int>("lora_alpha")}}, "target_modules": ["q_proj", "v_proj"]}""");
        loaded = ModelFolder.Load<Llama>(model, new LoadOptions { Device = fixture.Device });
        adapters = Peft.Load(loaded, adapter);
    }

    public Llama Model => loaded.Model;

    static void Copy(SafeTensors file, string path, Func<string, string?> rename) => SafeTensors.Create(path, writer =>
    {
        foreach (SafeTensorItem item in file.Items.Values)
            if (rename(item.Name) is { } name) writer.Write(name, item.Type, item.Shape, file.Read(item.Name));
    });

    /// <summary>The batch of a step: each token is to be told from those before it.</summary>
    public TrainingBatch Batch(int step)
    {
        Tensor ids = fixture.Load($"batch.{step}.ids").To(DType.Int32);                     // [B, T]
        int length = ids.Shape[1];
        return new FixedBatch(ids.Shape[0], _ =>
        {
            Variable before = Functions.Slice(Model.Forward(ids), 1, 0, length - 1);        // [B, T - 1, V]
            Variable loss = Functions.CrossEntropy(Functions.Reshape(before, -1, before.Shape[2]), ids.Slice(1, 1, length).Reshape(-1));
            return new(loss, Tensor.Zeros([], device: fixture.Device), ids.Shape[0] * (length - 1));
        });
    }

    /// <summary>By way of a saved folder, where the adapters bear the library's names; the base is as it was.</summary>
    public void CheckWeights(string optimizer)
    {
        string saved = Path.Combine(folder.Path, "saved");
        adapters.Save(saved);
        using SafeTensors weights = SafeTensors.Open(Path.Combine(saved, "adapter_model.safetensors"));
        foreach (string name in weights.Items.Keys)
        {
            Tensor reference = fixture.Load($"{optimizer}.final.{name[Prefix.Length..]}");
            TensorAssert.Close(Tensor.From(weights.Read<float>(name), reference.Shape, fixture.Device), reference, fixture.RelativeTolerance, fixture.AbsoluteTolerance, $"{fixture.Name}: {optimizer}: {name}");
        }

        Assert.Equal(loaded.Model.Parameters.Count(parameter => parameter.Trainable), weights.Items.Count);
        LoadedModel<Llama> untouched = ModelFolder.Load<Llama>(Path.Combine(folder.Path, "model"), new LoadOptions { Device = fixture.Device });
        foreach (Parameter parameter in untouched.Model.Parameters) TensorAssert.SameBits(loaded.Model[parameter.Name].Value, parameter.Value, parameter.Name);
    }

    public void Dispose() => folder.Dispose();
}

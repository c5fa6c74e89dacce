using Engine.Tensors;

namespace Engine.Models.Tests;

/// <summary>Small models for the tests of LLaMA.</summary>
static class LlamaModels
{
    /// <summary>The references with weights of their own; those with adapters begin with llama_lora.</summary>
    public static string[] Names { get; } = ["llama_mha", "llama_gqa_tied", "llama3_rope_scaling", "llama_bf16", "llama_f16"];

    /// <summary>Everything that differs from the plain model at once: grouped queries, biases, heads of their own width, tied embeddings.</summary>
    public static LlamaConfig Small { get; } = new()
    {
        VocabularySize = 50,
        Width = 24,
        MlpWidth = 40,
        Depth = 3,
        Heads = 6,
        KeyValueHeads = 2,
        HeadSize = 8,
        MaximumLength = 96,
        RotaryScaling = RotaryScaling.Linear(2),
        TiedEmbeddings = true,
        AttentionBias = true,
        MlpBias = true,
    };

    public static Llama Load(string name) => ModelFolder.Load<Llama>(ModelFixtures.Folder(name)).Model;

    /// <summary>Tokens drawn evenly from the vocabulary.</summary>
    public static int[] Tokens(int count, int vocabulary, ulong seed = 5) =>
        [.. Enumerable.Range(0, count).Select(i => new Philox(seed).Below((ulong)i, vocabulary))];

    /// <summary>The same folder with the weights widened to float32, which is exact.</summary>
    public static string Widened(string name, SafeTensorsScratch scratch)
    {
        string folder = ModelFixtures.Copy(name, scratch), path = Path.Combine(folder, "model.safetensors");
        using (SafeTensors file = SafeTensors.Open(path))
        {
            SafeTensors.Create(path + ".new", writer =>
            {
                foreach (SafeTensorItem item in file.Items.Values)
                {
                    float[] values = item.Type switch
                    {
                        SafeTensorType.F16 => Array.ConvertAll(file.Read<Half>(item.Name).ToArray(), half => (float)half),
                        SafeTensorType.BF16 => Array.ConvertAll(file.Read<ushort>(item.Name).ToArray(), bits => BitConverter.UInt32BitsToSingle((uint)bits << 16)),
                        _ => file.Read<float>(item.Name).ToArray(),
                    };
                    writer.Write(item.Name, SafeTensorType.F32, item.Shape, System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
                }
            }, file.Metadata);
        }

        File.Move(path + ".new", path, overwrite: true);
        return folder;
    }
}

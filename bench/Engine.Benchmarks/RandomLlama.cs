using System.Text.Json.Nodes;
using Engine.Models;

namespace Engine.Benchmarks;

/// <summary>A checkpoint of LLaMA's shape with random bfloat16 weights, written in shards as such models are.</summary>
static class RandomLlama
{
    const float Deviation = 0.02f;

    /// <summary>Writes config.json, the shards and their index; memory holds one megabyte of it.</summary>
    public static void Write(string folder, LlamaConfig config, int shards, Func<bool> isCancelled)
    {
        Directory.CreateDirectory(folder);
        SafeTensorItem[] items = [.. Items(config)];
        long total = items.Sum(item => item.ByteLength), share = (total + shards - 1) / shards, done = 0;
        List<SafeTensorItem>[] files = [.. Enumerable.Range(0, shards).Select(_ => new List<SafeTensorItem>())];
        JsonObject map = [];
        foreach (SafeTensorItem item in items)
        {
            int shard = (int)(done / share);
            files[shard].Add(item);
            map[item.Name] = Name(shard, shards);
            done += item.ByteLength;
        }

        for (int shard = 0; shard < shards; shard++)
        {
            SafeTensors.Create(Path.Combine(folder, Name(shard, shards)), files[shard], writer =>
            {
                foreach (SafeTensorItem item in files[shard])
                {
                    using RandomNumbersStream numbers = new(item.Shape.Length == 1 ? 0 : Deviation, (ulong)map.IndexOf(item.Name) + 1, isCancelled);
                    writer.Write(item.Name, item.Type, item.Shape, numbers);
                }
            }, [new("format", "pt")]);
        }

        JsonObject index = new() { ["metadata"] = new JsonObject { ["total_size"] = total }, ["weight_map"] = map };
        File.WriteAllText(Path.Combine(folder, "model.safetensors.index.json"), index.ToJsonString());
        File.WriteAllText(Path.Combine(folder, "config.json"), Describe(config).ToJsonString());
    }

    static string Name(int shard, int shards) => $"model-{shard + 1:D5}-of-{shards:D5}.safetensors";

    static IEnumerable<SafeTensorItem> Items(LlamaConfig config)
    {
        int width = config.Width, mlp = config.MlpWidth, queries = config.Heads * config.HeadSize, keys = config.KeyValueHeads * config.HeadSize;
        yield return Tensor("model.embed_tokens.weight", config.VocabularySize, width);
        for (int layer = 0; layer < config.Depth; layer++)
        {
            string at = $"model.layers.{layer}.";
            yield return Tensor(at + "input_layernorm.weight", width);
            yield return Tensor(at + "self_attn.q_proj.weight", queries, width);
            yield return Tensor(at + "self_attn.k_proj.weight", keys, width);
            yield return Tensor(at + "self_attn.v_proj.weight", keys, width);
            yield return Tensor(at + "self_attn.o_proj.weight", width, queries);
            yield return Tensor(at + "post_attention_layernorm.weight", width);
            yield return Tensor(at + "mlp.gate_proj.weight", mlp, width);
            yield return Tensor(at + "mlp.up_proj.weight", mlp, width);
            yield return Tensor(at + "mlp.down_proj.weight", width, mlp);
        }

        yield return Tensor("model.norm.weight", width);
        yield return Tensor("lm_head.weight", config.VocabularySize, width);
    }

    static SafeTensorItem Tensor(string name, params ReadOnlySpan<long> shape) => new(name, SafeTensorType.BF16, shape);

    static JsonObject Describe(LlamaConfig config) => new()
    {
        ["architectures"] = new JsonArray("LlamaForCausalLM"),
        ["model_type"] = "llama",
        ["vocab_size"] = config.VocabularySize,
        ["hidden_size"] = config.Width,
        ["intermediate_size"] = config.MlpWidth,
        ["num_hidden_layers"] = config.Depth,
        ["num_attention_heads"] = config.Heads,
        ["num_key_value_heads"] = config.KeyValueHeads,
        ["max_position_embeddings"] = config.MaximumLength,
        ["rms_norm_eps"] = config.Epsilon,
        ["tie_word_embeddings"] = false,
        ["hidden_act"] = "silu",
        ["torch_dtype"] = "bfloat16",
    };

    /// <summary>bfloat16 numbers without end, evenly spread and of one deviation; with deviation 0, ones.</summary>
    sealed class RandomNumbersStream : Stream
    {
        readonly ushort[] numbers = new ushort[65536];
        ulong state;

        readonly Func<bool> isCancelled;

        public RandomNumbersStream(float deviation, ulong seed, Func<bool> isCancelled)
        {
            this.isCancelled = isCancelled;
            state = seed * 0x9E3779B97F4A7C15;
            for (int i = 0; i < numbers.Length; i++)
            {
                float value = deviation == 0 ? 1 : (i - 32767.5f) / 32768 * deviation * MathF.Sqrt(3);
                numbers[i] = (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16);
            }
        }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        // Marsaglia's xorshift: four numbers a step.
        public override int Read(Span<byte> buffer)
        {
            if (isCancelled()) throw new OperationCanceledException();
            Span<ushort> target = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ushort>(buffer);
            ulong x = state;
            for (int i = 0; i < target.Length; i += 4)
            {
                x ^= x << 13;
                x ^= x >> 7;
                x ^= x << 17;
                for (int j = 0; j < 4 && i + j < target.Length; j++) target[i + j] = numbers[(ushort)(x >> (16 * j))];
            }

            state = x;
            return target.Length * 2;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}

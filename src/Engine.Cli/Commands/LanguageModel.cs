using Engine.Models;

namespace Engine.Cli;

/// <summary>A language model as the commands take it.</summary>
static class LanguageModel
{
    /// <summary>Loads a model, with its adapters where there are any.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="adapter">The folder of adapters for it, or null.</param>
    /// <param name="options">What else is asked for; by default 16-bit weights stay in their mapped file.</param>
    /// <exception cref="CheckpointException">It names no tokens, or the folder or the adapters do not fit.</exception>
    public static LoadedModel<Llama> Load(string folder, string? adapter = null, LoadOptions? options = null)
    {
        LoadedModel<Llama> loaded = ModelFolder.Load<Llama>(folder, options ?? new() { Weights = WeightPrecision.Stored });
        if (!loaded.Model.Config.HasHead)
            throw new CheckpointException(folder, $"holds a {loaded.Layout} without lm_head.weight, which says what token comes next; get the whole model (LlamaForCausalLM), or set \"tie_word_embeddings\" in config.json if its embedding is its head");
        if (adapter is not null) Peft.Load(loaded, adapter);
        return loaded;
    }

    /// <summary>Where the model's tokenizer is: with the adapters if they brought another, since they learned from its tokens.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="adapter">The folder of adapters for it, or null.</param>
    public static string TokenizerFolder(string folder, string? adapter) =>
        adapter is not null && Tokenizer.IsIn(adapter) && !Same(Tokenizer.Files(folder), Tokenizer.Files(adapter)) ? adapter : folder;

    // finetune leaves a copy with the adapters. The original has the model's config.json beside it, which may be all that tells the end token.
    static bool Same(IReadOnlyDictionary<string, byte[]> these, IReadOnlyDictionary<string, byte[]> those) => these.Count == those.Count
        && these.All(file => those.TryGetValue(file.Key, out byte[]? other) && file.Value.AsSpan().SequenceEqual(other));

    /// <summary>In which types the matrices are multiplied, for people: bfloat16.</summary>
    public static string Types(Llama model) => string.Join(" and ",
        model.Parameters.Where(parameter => parameter.Rank == 2 && !parameter.ZeroAnchor).Select(parameter => parameter.Value.DType).Distinct().Order().Select(type => type.ToString().ToLowerInvariant()));
}

using Engine.Models;

namespace Engine.Cli;

/// <summary>A language model as the commands take it.</summary>
static class LanguageModel
{
    /// <summary>Loads a model whose matrices are not trained: those of 16 bits stay in their mapped file.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="adapter">The folder of adapters for it, or null.</param>
    public static LoadedModel<Llama> Load(string folder, string? adapter) => AdaptedModel.Load<Llama>(folder, adapter, WeightPrecision.Stored);

    /// <summary>In which types the matrices are multiplied, for people: bfloat16.</summary>
    public static string Types(Llama model) => string.Join(" and ",
        model.Parameters.Where(parameter => parameter.Rank == 2 && !parameter.ZeroAnchor).Select(parameter => parameter.Value.DType).Distinct().Order().Select(type => type.ToString().ToLowerInvariant()));
}

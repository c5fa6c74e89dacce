using System.Globalization;
using System.IO.Enumeration;

namespace Engine.Models;

/// <summary>What a folder holds, by its config and the header of its weights; nothing is loaded.</summary>
/// <param name="Layout">Whose model it is: timm ViT, Hugging Face LLaMA; for an adapter its kind: LORA adapter.</param>
/// <param name="Kind">What the model does; null for an adapter.</param>
/// <param name="Parameters">The numbers in all parameters, without tensors that the model has no use for.</param>
/// <param name="Types">The element types of the weights, the most frequent first.</param>
/// <param name="Files">How many files hold the weights.</param>
/// <param name="Facts">What distinguishes the model, by name: image size, classes; vocabulary, context; rank, targets, base.</param>
public sealed record ModelSummary(
    string Layout, ModelKind? Kind, long Parameters, IReadOnlyList<SafeTensorType> Types, int Files, IReadOnlyList<KeyValuePair<string, string>> Facts)
{
    /// <summary>Side of the images that the model takes; null for one that takes none.</summary>
    public int? ImageSize { get; init; }

    /// <summary>Reads the summary of a model folder or an adapter folder.</summary>
    /// <exception cref="CheckpointException">It is neither, or its config contradicts itself.</exception>
    public static ModelSummary Of(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return !File.Exists(Path.Combine(folder, ConfigFile.Name)) && File.Exists(Path.Combine(folder, AdapterConfig.Name)) ? OfAdapter(folder) : OfModel(folder);
    }

    static ModelSummary OfModel(string folder)
    {
        ConfigFile config = ConfigFile.Read(folder);
        using ShardedSafeTensors weights = ShardedSafeTensors.Open(folder);
        ModelLayout layout = ModelLayout.Of(weights, config);
        ModelPlan plan = layout.Plan(config, new());
        List<KeyValuePair<string, string>> facts = [];
        if (plan.ImageSize is { } size) facts.Add(new("image size", Number(size)));
        if (layout.Kind == ModelKind.LanguageModel)
        {
            facts.Add(new("vocabulary", Number(config.Integer("vocab_size", 0))));
            facts.Add(new("context", Number(config.Integer("max_position_embeddings", 0))));
        }
        else
        {
            facts.Add(new("classes", Number(plan.StoredClasses)));
        }

        return new(layout.Name, layout.Kind, Count(weights, layout.Unused), TypesOf(weights), weights.Shards.Count, facts) { ImageSize = plan.ImageSize };
    }

    static ModelSummary OfAdapter(string folder)
    {
        ConfigFile config = AdapterConfig.Read(folder);
        using ShardedSafeTensors weights = ShardedSafeTensors.Open(Path.Combine(folder, AdapterFolder.WeightsName));
        List<KeyValuePair<string, string>> facts = [];
        if (config.Has("r")) facts.Add(new("rank", Number(config.Integer("r"))));
        if (config.Has("lora_alpha")) facts.Add(new("alpha", config.Real("lora_alpha", 0).ToString(CultureInfo.InvariantCulture)));
        if (config.Has("bottleneck_size")) facts.Add(new("bottleneck", Number(config.Integer("bottleneck_size"))));
        if (config.Has("target_modules")) facts.Add(new("targets", string.Join(' ', AdapterConfig.Targets(config).Names)));
        if (config.Text("base_model_name_or_path", "") is { Length: > 0 } basis) facts.Add(new("base", basis));
        return new($"{config.Text("peft_type")} adapter", null, Count(weights, []), TypesOf(weights), weights.Shards.Count, facts);
    }

    static long Count(ShardedSafeTensors weights, IReadOnlyList<string> unused) => weights.Items.Values
        .Where(item => !unused.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, item.Name, ignoreCase: false))).Sum(item => item.ElementCount);

    static SafeTensorType[] TypesOf(ShardedSafeTensors weights) =>
        [.. weights.Items.Values.GroupBy(item => item.Type).OrderByDescending(group => group.Count()).ThenBy(group => group.Key).Select(group => group.Key)];

    static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>All of it in one line.</summary>
    public override string ToString() =>
        $"{Layout}: {string.Create(CultureInfo.InvariantCulture, $"{Parameters:N0}")} parameters, {string.Join("", Facts.Select(fact => $"{fact.Key} {fact.Value}, "))}" +
        $"{string.Join(" and ", Types.Select(type => type.Name()))}, {Files} file{(Files == 1 ? "" : "s")}";
}

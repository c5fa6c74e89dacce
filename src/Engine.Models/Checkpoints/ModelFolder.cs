namespace Engine.Models;

/// <summary>
/// A folder that holds a model as people have it: config.json and model.safetensors, or an index with its shards. The
/// layout (whose names the tensors bear) is recognised by the tensors.
/// </summary>
public static class ModelFolder
{
    /// <summary>Builds the model that a folder holds and fills it; weights of other floating types are converted to float32, or left as they are (<see cref="LoadOptions.Weights"/>).</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="options">Device, classes, regularisation; null for the defaults.</param>
    /// <exception cref="CheckpointException">
    /// The folder is not whole, config.json and the weights contradict each other, tensors are missing or too many, or the
    /// folder holds another kind of model. The message is one line that names file, tensor, expected and found.
    /// </exception>
    public static LoadedModel<TModel> Load<TModel>(string folder, LoadOptions? options = null) where TModel : Module
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        options ??= new();
        if (options.Classes is < 1)
            throw new ArgumentOutOfRangeException(nameof(options), $"{options.Classes} classes asked for; at least one is needed.");
        ConfigFile config = ConfigFile.Read(folder);
        using ShardedSafeTensors weights = ShardedSafeTensors.Open(folder);
        ModelLayout layout = ModelLayout.Of(weights, config);
        ModelPlan plan = layout.Plan(config, options);
        WeightSource source = new(weights, layout, plan, options.FreshHead || plan.Classes != plan.StoredClasses, options.Weights);
        Module built = plan.Build(ModuleScope.Root(options.Seed, options.Device, source.Find, weights: options.Weights));
        source.CheckComplete();
        if (built is not TModel model)
            throw new CheckpointException(folder, $"holds a {built.GetType().Name} ({layout.Name}), not a {typeof(TModel).Name}");
        StoredForm form = plan.SavedIn is { } other ? StoredForm.Of(model, other, other.Describe(model, folder)) : StoredForm.Of(weights, layout, config, plan, source.Unused);
        return new(model, form.Layout.Name, source.Fresh, source.Unused, plan.StoredClasses, form);
    }

    /// <summary>What a folder's model does, by the names of its tensors; nothing is loaded.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="CheckpointException">The folder holds no model, or one in no known layout.</exception>
    public static ModelKind KindOf(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ConfigFile config = ConfigFile.Read(folder);
        using ShardedSafeTensors weights = ShardedSafeTensors.Open(folder);
        return ModelLayout.Of(weights, config).Kind;
    }

    /// <summary>Writes a model that came from no folder, in a library's layout with a config.json: one that was trained from scratch.</summary>
    /// <param name="model">The model.</param>
    /// <param name="folder">As in <see cref="LoadedModel{TModel}.Save"/>.</param>
    /// <param name="companions">Further small files by name, written with the model: class names, preprocessing.</param>
    /// <param name="library">Whose layout; null for the usual one of such models, timm's for images.</param>
    /// <exception cref="CheckpointException">
    /// The library has no such model or lacks one of its traits, the model has parameters that the layout has no place for,
    /// or the folder cannot be written.
    /// </exception>
    public static void Save(Module model, string folder, IReadOnlyDictionary<string, byte[]>? companions = null, ModelLibrary? library = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ModelLayout layout = ModelLayout.For(model, library, folder);
        StoredForm.Of(model, layout, layout.Describe(model, folder)).Save(model, folder, companions);
    }
}

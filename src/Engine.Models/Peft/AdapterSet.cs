using Engine.Autograd;

namespace Engine.Models;

/// <summary>The adapters of a model: what <see cref="Peft"/> attached, or read from a folder.</summary>
public sealed class AdapterSet
{
    readonly Dictionary<Parameter, bool> before = [];       // what was trained before
    readonly List<LinearAdapter> adapters = [];
    readonly List<Parameter> companions = [];

    internal AdapterSet(Module model, ModelLayout? layout, AdapterOptions options)
    {
        options.Validate();
        (Model, Layout, Options) = (model, layout, options);
    }

    /// <summary>The model they are attached to.</summary>
    public Module Model { get; }

    /// <summary>Their settings.</summary>
    public AdapterOptions Options { get; }

    /// <summary>One a layer, in the order of the model; empty once detached.</summary>
    public IReadOnlyList<LinearAdapter> Adapters => adapters;

    /// <summary>Parameters of the model itself that are trained and saved with the adapters: a head, biases.</summary>
    public IReadOnlyList<Parameter> Companions => companions;

    /// <summary>The numbers in all that is trained and saved.</summary>
    public long ParameterCount => adapters.SelectMany(adapter => adapter.Tensors).Select(tensor => tensor.Parameter).Concat(companions).Sum(parameter => parameter.Value.ElementCount);

    /// <summary>True if the adapters can be merged into the weights.</summary>
    public bool CanMerge => adapters.All(adapter => adapter.CanMerge);

    internal ModelLayout? Layout { get; }

    /// <summary>The file the set was read from; null if it was attached fresh.</summary>
    internal AdapterForm? Form { get; set; }

    /// <summary>Builds the adapters and freezes everything else.</summary>
    internal void Attach(IReadOnlyList<AdapterSite> sites)
    {
        foreach (AdapterSite site in sites)
            if (site.Layer.Adapter is not null)
                throw new ArgumentException($"Adapters: '{site.Layer.Path}' has an adapter already; merge or detach it first.");
        foreach (Parameter parameter in Model.Parameters) before.Add(parameter, parameter.Trainable);
        try
        {
            companions.AddRange(before.Keys.Where(parameter => IsCompanion(parameter, sites)));
            foreach (Parameter parameter in companions) parameter.Widen();      // a head kept in 16 bits has to be float32 to learn
            foreach (Parameter parameter in before.Keys) parameter.Trainable = companions.Contains(parameter);
            foreach (IGrouping<Linear, AdapterSite> layer in sites.GroupBy(site => site.Layer))
            {
                LinearAdapter adapter = Options.Build(layer.Key, [.. layer]);
                adapters.Add(layer.Key.Adapter = adapter);
                foreach (Parameter parameter in adapter.Parameters) parameter.ZeroAnchor = true;
            }
        }
        catch
        {
            Detach();
            throw;
        }
    }

    bool IsCompanion(Parameter parameter, IReadOnlyList<AdapterSite> sites) =>
        (Options.TrainHead && parameter.Name.StartsWith("head.", StringComparison.Ordinal))
        || (Options.Bias == AdapterBias.All && parameter.Name.EndsWith("bias", StringComparison.Ordinal))
        || (Options.Bias == AdapterBias.AdaptedOnly && sites.Any(site => site.Layer.Bias == parameter))
        || Options.AlsoTrain.Any(pattern => Peft.Means(pattern, parameter, Layout));

    /// <summary>Adds every adapter to its layer's weight, so that the model runs at its own speed; see <see cref="LinearAdapter.Merge"/>.</summary>
    /// <exception cref="InvalidOperationException">They are not of a kind that can be merged.</exception>
    public void Merge()
    {
        if (adapters.FirstOrDefault(adapter => !adapter.CanMerge) is { } nonlinear)
            throw new InvalidOperationException($"Merge: {nonlinear.Path} is a {nonlinear.GetType().Name}, which no weight matrix equals; keep it beside the model.");
        foreach (LinearAdapter adapter in adapters) adapter.Merge();
    }

    /// <summary>Puts the original weights back, to the bit.</summary>
    public void Unmerge()
    {
        foreach (LinearAdapter adapter in adapters) adapter.Unmerge();
    }

    /// <summary>
    /// Takes the adapters off. Merged ones stay in the weights, which makes the model one that any layout can store; of others
    /// nothing is left. What was trained before is trained again. Heads and biases keep what they learned.
    /// </summary>
    public void Detach()
    {
        foreach (LinearAdapter adapter in adapters)
        {
            adapter.Settle();
            adapter.Layer.Adapter = null;
            adapter.At.Tree.Remove(adapter.Path);
        }

        adapters.Clear();
        companions.Clear();
        foreach (var (parameter, trainable) in before) parameter.Trainable = trainable;
    }

    /// <summary>
    /// Writes an adapter folder: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c> as the PEFT library has them. A set
    /// that was read from a folder gives the same bytes where nothing was trained.
    /// </summary>
    /// <param name="folder">Made if absent, and then appears whole.</param>
    /// <param name="baseModel">Where the model came from, for the config; null keeps what the set was read with.</param>
    /// <param name="companionFiles">Further small files by name: class names, preprocessing.</param>
    /// <exception cref="CheckpointException">Something is trained that the folder has no place for, or the folder cannot be written.</exception>
    public void Save(string folder, string? baseModel = null, IReadOnlyDictionary<string, byte[]>? companionFiles = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        HashSet<Parameter> saved = [.. adapters.SelectMany(adapter => adapter.Parameters), .. companions];
        if (Model.Parameters.FirstOrDefault(parameter => parameter.Trainable && !saved.Contains(parameter)) is { } lost)
            throw new CheckpointException(folder, $"parameter {lost.Name} is trained and no part of the adapters; attach them with AlsoTrain, or save the whole model");
        (Form ?? AdapterForm.Of(this)).Save(this, folder, baseModel, companionFiles);
    }
}

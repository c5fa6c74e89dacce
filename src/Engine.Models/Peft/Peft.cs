using System.IO.Enumeration;
using Engine.Autograd;

namespace Engine.Models;

/// <summary>
/// Parameter-efficient fine-tuning: small adapters beside the linear layers of any model, everything else frozen. Adapters are
/// anchored at zero (<see cref="Parameter.ZeroAnchor"/>), as Adam-SPD wants them.
/// </summary>
/// <example><code>
/// LoadedModel&lt;Llama&gt; loaded = ModelFolder.Load&lt;Llama&gt;("llama");
/// AdapterSet adapters = Peft.Attach(loaded, new LoraOptions { Rank = 16, Alpha = 32, Targets = ["q_proj", "v_proj"] });
/// // ... train loaded.Model ...
/// adapters.Save("my-lora", baseModel: "llama");
/// </code></example>
public static class Peft
{
    /// <summary>Attaches new adapters.</summary>
    /// <param name="model">The model; its trainable parameters change to the adapters'.</param>
    /// <param name="options">Which, and where. Targets may use the names of the library whose folder the model came from, or would be saved for.</param>
    /// <exception cref="ArgumentException">A target fits nothing (the message lists what there is), or a setting makes no sense; the model is as it was.</exception>
    public static AdapterSet Attach(Module model, AdapterOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        ModelLayout? layout = LayoutOf(model);
        AdapterSet adapters = new(model, layout, options);
        IReadOnlyList<AdapterSite> sites = new AdapterTargets(model, layout).Select(options.Targets);
        if (options.TrainHead) Require(model, layout, "head.*");
        foreach (string pattern in options.AlsoTrain) Require(model, layout, pattern);
        adapters.Attach(sites);
        return adapters;
    }

    /// <summary>Attaches the adapters of a folder (<c>adapter_config.json</c> and <c>adapter_model.safetensors</c>) and fills them.</summary>
    /// <param name="model">The model they were trained on, or one of its shape; its trainable parameters change to the adapters'.</param>
    /// <param name="folder">The folder.</param>
    /// <exception cref="CheckpointException">
    /// The folder is not whole, holds a kind of adapter that is not known here, or belongs to another base model: the message is
    /// one line that names the first tensor that does not fit. The model is as it was, but for a head that had been read.
    /// </exception>
    public static AdapterSet Load(Module model, string folder)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return AdapterFolder.Load(model, LayoutOf(model), folder);
    }

    /// <inheritdoc cref="Attach(Module, AdapterOptions)"/>
    /// <param name="loaded">The model as it was loaded.</param>
    /// <param name="options">Which, and where.</param>
    public static AdapterSet Attach<TModel>(LoadedModel<TModel> loaded, AdapterOptions options) where TModel : Module
    {
        ArgumentNullException.ThrowIfNull(loaded);
        return Attach(loaded.Model, options);
    }

    /// <inheritdoc cref="Load(Module, string)"/>
    /// <param name="loaded">The model as it was loaded.</param>
    /// <param name="folder">The folder.</param>
    public static AdapterSet Load<TModel>(LoadedModel<TModel> loaded, string folder) where TModel : Module
    {
        ArgumentNullException.ThrowIfNull(loaded);
        return Load(loaded.Model, folder);
    }

    /// <summary>The base model that an adapter folder says it was trained on: a path, or a name on a hub; empty where it does not say.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="CheckpointException">There is no adapter.</exception>
    public static string BaseModelOf(string folder) => AdapterConfig.BaseModel(AdapterConfig.Read(folder));

    /// <summary>What the model does that an adapter folder belongs to, by the names of the layers in it; null where they are no known library's.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="CheckpointException">There is no adapter, or its file cannot be read.</exception>
    public static ModelKind? KindOf(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return AdapterFolder.KindOf(folder);
    }

    /// <summary>The layers to adapt where nobody names others: of the usual ends of names (LLM-Adapters' for LLaMA) those that the model has.</summary>
    /// <param name="model">The model.</param>
    /// <typeparam name="TOptions">The kind of adapters.</typeparam>
    public static IReadOnlyList<string> UsualTargets<TOptions>(Module model) where TOptions : AdapterOptions
    {
        ArgumentNullException.ThrowIfNull(model);
        string[] ends = typeof(TOptions) == typeof(LoraOptions) ? ["qkv", "q", "k", "v", "up", "down"]
            : typeof(TOptions) == typeof(SeriesAdapterOptions) ? ["gate", "up", "fc2"] : ["up", "down", "fc1", "fc2"];
        HashSet<string> names = [.. model.Modules.Where(named => named.Value is Linear).Select(named => named.Key[(named.Key.LastIndexOf('.') + 1)..])];
        return [.. ends.Where(names.Contains)];
    }

    // Of a model from no folder the layout it would be saved in.
    static ModelLayout? LayoutOf(Module model) => model.At.Tree.Layout ?? ModelLayout.All.FirstOrDefault(layout => layout.Fits(model));

    static void Require(Module model, ModelLayout? layout, string pattern)
    {
        if (!model.Parameters.Any(parameter => Means(pattern, parameter, layout)))
            throw new ArgumentException($"Adapters: no parameter of the model is '{pattern}'; names look like '{model.Parameters[0].Name}'.");
    }

    /// <summary>Whether a pattern means a parameter: by its name here or in the library, or by its module's, of which it may be the end.</summary>
    internal static bool Means(string pattern, Parameter parameter, ModelLayout? layout)
    {
        foreach (string name in (IEnumerable<string>)[parameter.Name, .. layout?.Names.Stored(parameter.Name) ?? []])
        {
            string module = name[..Math.Max(name.LastIndexOf('.'), 0)];
            if (FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false) || module == pattern || module.EndsWith($".{pattern}", StringComparison.Ordinal)) return true;
        }

        return false;
    }
}

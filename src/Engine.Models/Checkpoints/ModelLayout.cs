using System.Text.Json.Nodes;
using Engine.Tensors;

namespace Engine.Models;

/// <summary>
/// How one library stores one family of models: its table of names and its config.json. Everything that is peculiar to
/// that library is here; the models know nothing of it.
/// </summary>
abstract class ModelLayout
{
    /// <summary>Every layout there is.</summary>
    public static IReadOnlyList<ModelLayout> All { get; } =
    [
        new TimmVit(),
        new HuggingFaceVit("vit."), new HuggingFaceVit(""),
        new HuggingFaceClip(),
        new TorchvisionVit("0", "3"), new TorchvisionVit("linear_1", "linear_2"),
        new OriginalSwin(), new TimmSwin(),
        new HuggingFaceSwin("swin."), new HuggingFaceSwin(""),
        new TorchvisionSwin(),
        new HuggingFaceUperNet(),
        new HuggingFaceLlama("model."), new HuggingFaceLlama(""),
    ];

    /// <summary>Whose layout it is.</summary>
    public abstract ModelLibrary Library { get; }

    /// <summary>What it stores, for people: ViT.</summary>
    public abstract string Family { get; }

    /// <summary>What the models of it do.</summary>
    public virtual ModelKind Kind => ModelKind.ImageClassifier;

    /// <summary>For people: timm ViT.</summary>
    public string Name => $"{Library.Name()} {Family}";

    /// <summary>Where parameters are stored.</summary>
    public abstract NameTable Names { get; }

    /// <summary>Patterns of stored tensors that no model needs; they are kept for saving. A <c>*</c> is any text, dots included.</summary>
    public virtual IReadOnlyList<string> Unused => [];

    /// <summary>A tensor that every file of this layout has and no other layout's.</summary>
    public abstract string Mark { get; }

    /// <summary>The path of the head in the model.</summary>
    public virtual string Head => "head";

    /// <summary>Whether a parameter depends on the classes, so that other ones make it fresh.</summary>
    public virtual bool IsHead(string parameter) => parameter.StartsWith(Head + ".", StringComparison.Ordinal);

    /// <summary>Reads config.json.</summary>
    /// <exception cref="CheckpointException">It does not describe a model of this family.</exception>
    public abstract ModelPlan Plan(ConfigFile config, LoadOptions options);

    /// <summary>The shape in which a parameter is stored: as many numbers, in the same order.</summary>
    public virtual Shape StoredShape(string parameter, Shape shape) => shape;

    /// <summary>What the library stores beside a model's parameters, for a model that did not come in this layout.</summary>
    public virtual IEnumerable<StoredBuffer> Extras(Module model) => [];

    /// <summary>Whether a model of this kind is written in this layout when it came from no folder or in another layout.</summary>
    public virtual bool Fits(Module model) => false;

    /// <summary>What a model that <see cref="Fits"/> has and this library cannot express, such as "layer scale"; null for nothing.</summary>
    public virtual string? Lacks(Module model) => null;

    /// <summary>The config.json of a model that <see cref="Fits"/> and that nothing is lacking for.</summary>
    /// <param name="model">The model.</param>
    /// <param name="folder">Where it is to be written, for messages.</param>
    /// <exception cref="CheckpointException">The library computes something else than the model after all; the message says what.</exception>
    public virtual byte[] Describe(Module model, string folder) =>
        throw new NotSupportedException($"{Name}: no model is written in this layout that did not come in it.");

    /// <summary>The layout of a model of this one that was given a head.</summary>
    public virtual ModelLayout Headed => this;

    /// <summary>What the names of this layout get before them in <see cref="Headed"/>.</summary>
    public virtual string HeadedPrefix => "";

    /// <summary>The layout to write a model in that did not come in it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="library">Whose; null for the first that fits.</param>
    /// <param name="folder">Where it is to be written, for messages.</param>
    /// <exception cref="CheckpointException">The library has no such model, or lacks a trait of it, which the message names.</exception>
    public static ModelLayout For(Module model, ModelLibrary? library, string folder)
    {
        ModelLayout[] fitting = [.. All.Where(layout => layout.Fits(model))];
        ModelLayout[] candidates = [.. fitting.Where(layout => library is null || layout.Library == library)];
        if (candidates.FirstOrDefault(layout => layout.Lacks(model) is null) is { } layout) return layout;
        throw new CheckpointException(folder, candidates is [var candidate, ..]
            ? $"cannot be written: {candidate.Name} has no {candidate.Lacks(model)}"
            : fitting.Length == 0 ? $"cannot be written: no layout known here holds a {model.GetType().Name}"
            : $"cannot be written: {library?.Name()} has no such model; it is written as {string.Join(", ", fitting.Select(fit => fit.Name).Distinct())}");
    }

    /// <summary>The layout of a file by the tensors in it.</summary>
    /// <exception cref="CheckpointException">None; the message says what is known, and what config.json calls the model.</exception>
    public static ModelLayout Of(ShardedSafeTensors weights, ConfigFile config)
    {
        foreach (ModelLayout layout in All)
            if (weights.Items.ContainsKey(layout.Mark)) return layout;
        string[] names = [.. weights.Items.Keys.Take(3).Select(name => $"\"{name}\"")];
        throw new CheckpointException(weights.FilePath,
            $"is in no layout known here ({string.Join(", ", All.Select(layout => layout.Name).Distinct())}): " +
            $"{(config.Kind is { } kind ? $"{ConfigFile.Name} calls it \"{kind}\"; " : "")}it holds {weights.Items.Count} tensors{(names.Length > 0 ? ", first " : "")}{string.Join(", ", names)}");
    }
}

/// <summary>A model that config.json describes, not built yet.</summary>
/// <param name="StoredClasses">Classes of the model as stored; 0 without a head.</param>
/// <param name="Classes">Classes of the model to build.</param>
/// <param name="Stacks">The stacks of like blocks in it, checked against the file before anything is built.</param>
/// <param name="Build">Builds it.</param>
sealed record ModelPlan(int StoredClasses, int Classes, IReadOnlyList<BlockStack> Stacks, Func<ModuleScope, Module> Build)
{
    /// <summary>Parameters that the folder does not have because the caller asked for another kind of model; null for none.</summary>
    public Func<string, bool>? IsFresh { get; init; }

    /// <summary>The layout such a model is saved in; null for the folder's.</summary>
    public ModelLayout? SavedIn { get; init; }

    /// <summary>Parameters that are stored in another shape than the model's, by name.</summary>
    public Dictionary<string, Refit> Refits { get; } = [];

    /// <summary>Stored tensors that repeat a parameter under another name, by that name; they may be absent.</summary>
    public Dictionary<string, string> Repeated { get; } = [];

    /// <summary>Side of the images that the stored model takes; null for a model that takes none.</summary>
    public int? ImageSize { get; init; }

    /// <summary>Patterns of unused tensors that contradict what the caller's options change; they are not kept for saving.</summary>
    public List<string> Obsolete { get; } = [];

    /// <summary>Unused tensors that follow from what the caller's options change: their new values, by name.</summary>
    public Dictionary<string, Func<SafeTensorItem, StoredBuffer>> Rewritten { get; } = [];

    /// <summary>What the caller's options change in config.json; null for nothing.</summary>
    public Action<JsonObject>? ConfigChange { get; set; }

    /// <summary>True if the stored model has no head and the one to build has.</summary>
    public bool AddsHead => StoredClasses == 0 && Classes > 0;
}

/// <summary>How a stored parameter becomes the model's.</summary>
/// <param name="Stored">Its shape in the file, as the model would have it (see <see cref="ModelLayout.StoredShape"/>).</param>
/// <param name="Convert">From that shape to the model's.</param>
readonly record struct Refit(Shape Stored, Func<Tensor, Tensor> Convert);

/// <summary>A stored tensor that is not a parameter.</summary>
/// <param name="Item">Name, type and shape.</param>
/// <param name="Bytes">Its values.</param>
readonly record struct StoredBuffer(SafeTensorItem Item, byte[] Bytes);

/// <summary>A stack of like blocks.</summary>
/// <param name="Parameter">One that every block has, a <c>*</c> in its number's place: <c>blocks.*.norm1.weight</c>.</param>
/// <param name="Depth">How many there are.</param>
/// <param name="Part">Which stack, of a model with several: stage 2.</param>
readonly record struct BlockStack(string Parameter, int Depth, string Part = "");

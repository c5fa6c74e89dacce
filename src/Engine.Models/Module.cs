using System.Diagnostics.CodeAnalysis;
using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Models;

/// <summary>
/// A part of a model: a layer, a block, the whole. Its parameters and its parts are fields that are built from the
/// <see cref="ModuleScope"/> it was given, which enters them under their full names: nothing has to be registered by hand.
/// Mode and random numbers are shared by the tree; it starts in evaluation mode.
/// </summary>
/// <example><code>
/// public sealed class Classifier(ModuleScope at, int width, int classes) : Module(at)
/// {
///     readonly LayerNorm norm = new(at / "norm", width);
///     readonly Linear head = new(at / "head", width, classes);
///
///     public Variable Forward(Variable x) => head.Forward(norm.Forward(x));
/// }
/// </code></example>
public abstract class Module
{
    /// <summary>Enters the module at its place.</summary>
    /// <param name="at">The place, for instance <c>at / "norm1"</c> in the constructor of the module around.</param>
    /// <exception cref="ArgumentException">Another module has this place.</exception>
    protected Module(ModuleScope at)
    {
        ArgumentNullException.ThrowIfNull(at);
        At = at;
        at.Tree.Add(at.Path, this);
    }

    /// <summary>The place in the model. What is added to the model later, such as an adapter, is built below it.</summary>
    public ModuleScope At { get; }

    /// <summary>The full name in the model: <c>blocks.3.attn.qkv</c>; empty for the whole.</summary>
    public string Path => At.Path;

    /// <summary>Where the parameters lie.</summary>
    public Device Device => At.Tree.Device;

    /// <summary>Where the tree's dropout and initial values come from. Seed and position are part of a resumable run.</summary>
    public RandomSource Random
    {
        get => At.Tree.Random;
        set => At.Tree.Random = value;
    }

    /// <summary>True between <see cref="Train"/> and <see cref="Evaluate"/>: dropout drops.</summary>
    public bool IsTraining => At.Tree.IsTraining;

    /// <summary>
    /// Gradient checkpointing, in the whole tree: stacks of blocks keep the blocks' inputs alone, and backward runs each block
    /// once more (<see cref="Tape.Recompute"/>). Less memory, about a third more time, the same gradients to the bit. Mode and
    /// weights must not change between forward and backward.
    /// </summary>
    public bool RecomputesBlocks
    {
        get => At.Tree.RecomputesBlocks;
        set => At.Tree.RecomputesBlocks = value;
    }

    /// <summary>Turns dropout and drop path on, in the whole tree.</summary>
    public void Train() => At.Tree.IsTraining = true;

    /// <summary>Turns dropout and drop path off, in the whole tree.</summary>
    public void Evaluate() => At.Tree.IsTraining = false;

    /// <summary>The parameters of this module and of its parts, buffers among them, in the order of construction.</summary>
    public IReadOnlyList<Parameter> Parameters => [.. At.Tree.Parameters(Path).Select(named => named.Parameter)];

    /// <summary>A parameter by its name below this module: <c>model["blocks.3.attn.qkv.weight"]</c>.</summary>
    /// <exception cref="KeyNotFoundException">There is none of that name; the message says how many there are and names one.</exception>
    public Parameter this[string name] => At.Tree.Parameter((At / name).Path);

    /// <summary>The numbers in all parameters of this module and its parts; buffers do not count, as nowhere in the field.</summary>
    public long ParameterCount => At.Tree.Parameters(Path).Where(named => !named.Parameter.IsBuffer).Sum(named => named.Parameter.Value.ElementCount);

    /// <summary>True if a parameter of this module or its parts is trained.</summary>
    public bool IsTrainable => At.Tree.Parameters(Path).Any(named => named.Parameter.Trainable);

    /// <summary>The modules below this one by their names from here; parts come before what they are parts of.</summary>
    public IReadOnlyDictionary<string, Module> Modules => At.Tree.Modules(Path);

    /// <summary>A module below this one by its name from here: <c>model.Find&lt;Linear&gt;("blocks.3.attn.qkv")</c>.</summary>
    /// <exception cref="KeyNotFoundException">There is none of that name and type.</exception>
    public TModule Find<TModule>(string name) where TModule : Module =>
        TryFind(name, out TModule? found) ? found
        : throw new KeyNotFoundException($"No {typeof(TModule).Name} is named '{name}' below {Describe(Path)}; Modules lists the names.");

    /// <summary>A module below this one by its name from here, if there is one of that type.</summary>
    public bool TryFind<TModule>(string name, [NotNullWhen(true)] out TModule? found) where TModule : Module =>
        (found = At.Tree.Module((At / name).Path) as TModule) is not null;

    /// <summary>Keeps the parameters whose names from here match as they are: no gradient is computed for them.</summary>
    /// <param name="patterns">Names with <c>*</c> for any text, dots included, and <c>?</c> for one character: <c>blocks.?.*</c>.</param>
    /// <exception cref="ArgumentException">A pattern matches nothing.</exception>
    public void Freeze(params ReadOnlySpan<string> patterns) => SetTrainable(false, patterns);

    /// <summary>Trains the parameters whose names from here match; see <see cref="Freeze"/>.</summary>
    /// <param name="patterns">As in <see cref="Freeze"/>. <c>Freeze("*")</c> and then <c>Unfreeze("head.*")</c> is a linear probe.</param>
    /// <exception cref="ArgumentException">A pattern matches nothing.</exception>
    public void Unfreeze(params ReadOnlySpan<string> patterns) => SetTrainable(true, patterns);

    // All patterns are looked up before the first parameter changes: a misspelt one leaves the model as it was.
    void SetTrainable(bool trainable, ReadOnlySpan<string> patterns)
    {
        List<Parameter> matched = [];
        foreach (string pattern in patterns) matched.AddRange(At.Tree.Matching(Path, pattern));
        foreach (Parameter parameter in matched) parameter.Trainable = trainable;
    }

    internal static string Describe(string path) => path.Length == 0 ? "the model" : $"'{path}'";
}

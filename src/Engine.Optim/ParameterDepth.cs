using System.Text.RegularExpressions;
using Engine.Autograd;

namespace Engine.Optim;

/// <summary>
/// How deep in a model a parameter lies, from the order and the names of all: what comes before the first block is layer 0 (embeddings), each
/// block one layer, what comes after the last block the last layer (final norm, head).
/// </summary>
/// <remarks>A block is a prefix that ends in a number: <c>blocks.3</c>, <c>layers.0.blocks.1</c>, <c>model.layers.7</c>. It is BEiT's and timm's numbering for models whose blocks are named so.</remarks>
public sealed partial class ParameterDepth
{
    readonly Dictionary<string, int> layers = [];

    /// <summary>Reads the names, in the model's order.</summary>
    public ParameterDepth(IEnumerable<Parameter> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        Dictionary<string, int> blocks = [];
        List<string> names = [.. parameters.Select(parameter => parameter.Name)];
        foreach (string name in names)
            if (BlockOf(name) is { } block) blocks.TryAdd(block, blocks.Count + 1);
        Last = blocks.Count + 1;

        // A head may stand anywhere in the list and still is no embedding.
        bool within = false;
        foreach (string name in names)
        {
            string? block = BlockOf(name);
            within |= block is not null;
            layers[name] = block is not null ? blocks[block] : within || HeadName().IsMatch(name) ? Last : 0;
        }
    }

    /// <summary>The number of the last layer: blocks and one.</summary>
    public int Last { get; }

    /// <summary>A parameter's layer, 0 to <see cref="Last"/>.</summary>
    /// <exception cref="ArgumentException">The name was not among those read.</exception>
    public int Of(string name) => layers.TryGetValue(name, out int layer) ? layer
        : throw new ArgumentException($"ParameterDepth: '{name}' is none of the {layers.Count} parameters that the depths were read from.");

    /// <summary>1 - i / N over the layers i of N, MAPS (arXiv 2511.19878): early layers are held hardest, the last not at all.</summary>
    public double Falling(string name) => 1 - (double)Of(name) / Last;

    static string? BlockOf(string name) => BlockName().Match(name) is { Success: true } match ? match.Value : null;

    // The last number that names a block; an MLP's or a stem's numbers are no blocks.
    [GeneratedRegex(@"^(?:.*\.)?(?:blocks|layers|layer|h|block|resblocks)\.\d+(?=\.)")]
    private static partial Regex BlockName();

    [GeneratedRegex(@"(^|\.)(head|heads|classifier|lm_head|fc|visual_projection)(\.|$)")]
    private static partial Regex HeadName();
}

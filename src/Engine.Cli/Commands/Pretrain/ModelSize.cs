using System.CommandLine;
using Engine.Models;

namespace Engine.Cli;

/// <summary>The options that size any transformer.</summary>
static class ModelSize
{
    public static Option<int> Width { get; } = new("--width") { Description = "Width of the sequence.", DefaultValueFactory = _ => 128 };

    public static Option<int> Depth { get; } = new("--depth") { Description = "Blocks.", DefaultValueFactory = _ => 6 };

    public static Option<int> Heads { get; } = new("--heads") { Description = "Attention heads.", DefaultValueFactory = _ => 4 };

    public static Option<string?> Size { get; } = new("--size")
    {
        Description = "Images: a published size, whose image, patch, width, depth, heads and window are taken unless their options are given. " +
            $"vit: {string.Join(", ", VitConfig.SizeNames)}; swin, upernet: {string.Join(", ", SwinConfig.SizeNames)}.",
    };

    /// <summary>The size asked for by name; null where none was.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="family">What <c>--family</c> is.</param>
    /// <param name="names">Its sizes.</param>
    /// <param name="named">A size by its name.</param>
    /// <exception cref="UsageException">The family has none of that name; the message lists its sizes.</exception>
    public static TConfig? Named<TConfig>(ParseResult parsed, string family, IReadOnlyList<string> names, Func<string, TConfig> named) where TConfig : class =>
        parsed.GetValue(Size) is not { } name ? null
        : names.Contains(name) ? named(name)
        : throw new UsageException($"{Size.Name} is '{name}'; --family {family} has {string.Join(", ", names)}.");

    /// <summary>What was typed; else what the named size has; else the option's default.</summary>
    public static int Or(this ParseResult parsed, Option<int> option, int? named) => parsed.IsGiven(option) ? parsed.GetValue(option) : named ?? parsed.GetValue(option);
}

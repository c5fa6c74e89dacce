using System.CommandLine;
using System.Globalization;
using Engine.Models;

namespace Engine.Cli;

/// <summary>The options that size a Swin transformer, and the shape they make.</summary>
static class SwinSize
{
    public static Option<string> Depths { get; } = new("--depths") { Description = "Swin: blocks of each stage.", DefaultValueFactory = _ => "2,2,2,2" };

    public static Option<int> Window { get; } = new("--window") { Description = "Swin: side of the windows in patches.", DefaultValueFactory = _ => 4 };

    /// <summary>A named size or none, and what was typed besides. Width and heads double with every stage.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="family">What <c>--family</c> is.</param>
    /// <param name="rule">That of the layout it will be saved in.</param>
    /// <param name="classes">Classes; 0 for a backbone.</param>
    /// <param name="dropPath">Stochastic depth of the last block.</param>
    /// <exception cref="UsageException">The depths cannot be read, or no size has the name.</exception>
    public static SwinConfig Of(ParseResult parsed, string family, WindowRule rule, int classes, float dropPath)
    {
        SwinConfig? named = ModelSize.Named(parsed, family, SwinConfig.SizeNames, SwinConfig.Named);
        IReadOnlyList<int> depths = named is not null && !parsed.IsGiven(Depths) ? named.Depths : ReadDepths(parsed.GetValue(Depths)!);
        int heads = parsed.Or(ModelSize.Heads, named?.Heads[0]);
        return new SwinConfig
        {
            ImageSize = parsed.Or(VitPretraining.Image, named?.ImageSize),
            PatchSize = parsed.Or(VitPretraining.Patch, named?.PatchSize),
            Width = parsed.Or(ModelSize.Width, named?.Width),
            Depths = depths,
            Heads = [.. depths.Select((_, stage) => heads << stage)],
            WindowSize = parsed.Or(Window, named?.WindowSize),
            WindowRule = rule,
            Classes = classes,
            DropPath = dropPath,
        };
    }

    static int[] ReadDepths(string text) =>
    [
        .. text.Split(',').Select(number => int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int depth) ? depth
            : throw new UsageException($"{Depths.Name} is '{text}'; expected whole numbers with commas, such as 2,2,6,2.")),
    ];
}

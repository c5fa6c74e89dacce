using System.CommandLine;
using System.Globalization;
using Engine.Models;

namespace Engine.Cli;

/// <summary>The options that size a Swin transformer, and the shape they make.</summary>
static class SwinSize
{
    public static Option<string> Depths { get; } = new("--depths") { Description = "Swin: blocks of each stage.", DefaultValueFactory = _ => "2,2,2,2" };

    public static Option<int> Window { get; } = new("--window") { Description = "Swin: side of the windows in patches.", DefaultValueFactory = _ => 4 };

    /// <summary>Width and heads double with every stage.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="rule">That of the layout it will be saved in.</param>
    /// <param name="classes">Classes; 0 for a backbone.</param>
    /// <param name="dropPath">Stochastic depth of the last block.</param>
    /// <exception cref="UsageException">The depths cannot be read.</exception>
    public static SwinConfig Of(ParseResult parsed, WindowRule rule, int classes, float dropPath)
    {
        int[] depths = [.. parsed.GetValue(Depths)!.Split(',').Select(text =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int depth) ? depth : throw new UsageException($"{Depths.Name} is '{parsed.GetValue(Depths)}'; expected whole numbers with commas, such as 2,2,6,2."))];
        return new SwinConfig
        {
            ImageSize = parsed.GetValue(VitPretraining.Image),
            PatchSize = parsed.GetValue(VitPretraining.Patch),
            Width = parsed.GetValue(ModelSize.Width),
            Depths = depths,
            Heads = [.. depths.Select((_, stage) => parsed.GetValue(ModelSize.Heads) << stage)],
            WindowSize = parsed.GetValue(Window),
            WindowRule = rule,
            Classes = classes,
            DropPath = dropPath,
        };
    }
}

using System.CommandLine;

namespace Engine.Cli;

/// <summary>The options that size any transformer.</summary>
static class ModelSize
{
    public static Option<int> Width { get; } = new("--width") { Description = "Width of the sequence.", DefaultValueFactory = _ => 128 };

    public static Option<int> Depth { get; } = new("--depth") { Description = "Blocks.", DefaultValueFactory = _ => 6 };

    public static Option<int> Heads { get; } = new("--heads") { Description = "Attention heads.", DefaultValueFactory = _ => 4 };
}

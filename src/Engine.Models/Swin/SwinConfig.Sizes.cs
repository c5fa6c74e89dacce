namespace Engine.Models;

public sealed partial record SwinConfig
{
    // Every size there is, by the name that people type.
    static readonly (string Name, Func<SwinConfig> Build)[] Sizes = [("swin-t", Tiny), ("swin-s", Small), ("swin-b", Base), ("swin-l", Large)];

    /// <summary>The names that <see cref="Named"/> takes: swin-t, swin-s, swin-b, swin-l.</summary>
    public static IReadOnlyList<string> SizeNames { get; } = [.. Sizes.Select(size => size.Name)];

    /// <summary>A published size by its name: <c>swin-t</c> is Swin-T with patches of 4 and windows of 7, 224 pixels, 1000 classes.</summary>
    /// <exception cref="ArgumentException">No size has this name; the message lists them.</exception>
    public static SwinConfig Named(string name) =>
        Sizes.FirstOrDefault(size => size.Name == name).Build?.Invoke()
        ?? throw new ArgumentException($"No Swin transformer is named '{name}'; known are {string.Join(", ", SizeNames)}.");

    /// <summary>Swin-T (Liu et al. 2021, section 3.3).</summary>
    public static SwinConfig Tiny() => new();

    /// <summary>Swin-S: 18 blocks in the third stage (as above).</summary>
    public static SwinConfig Small() => new() { Depths = [2, 2, 18, 2] };

    /// <summary>Swin-B: width 128 (as above).</summary>
    public static SwinConfig Base() => Small() with { Width = 128, Heads = [4, 8, 16, 32] };

    /// <summary>Swin-L: width 192 (as above).</summary>
    public static SwinConfig Large() => Small() with { Width = 192, Heads = [6, 12, 24, 48] };
}

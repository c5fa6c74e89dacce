namespace Engine.Tensors;

/// <summary>What the calls of one operation cost, of all shapes or of one.</summary>
/// <param name="Method">The method of <see cref="Backend"/>: <c>Map</c>.</param>
/// <param name="Formula">The formula it was called with, <c>Gelu</c>; empty where it takes none.</param>
/// <param name="Shape">The sizes: of a product <c>M x K x N</c>, else those of the result; empty where all shapes are added up.</param>
/// <param name="Calls">How often it was called.</param>
/// <param name="Seconds">The time in it, without other operations that it called.</param>
/// <param name="Flops">Floating-point operations of products and attention; 0 for what only passes over memory.</param>
/// <param name="Bytes">What it has to read and write at least: every element of every operand once.</param>
public readonly record struct OperationProfile(string Method, string Formula, string Shape, long Calls, double Seconds, double Flops, double Bytes)
{
    /// <summary>Method and formula: <c>Map Gelu</c>.</summary>
    public string Name => Formula.Length == 0 ? Method : $"{Method} {Formula}";

    /// <summary>The least time a machine needs for the same: by its arithmetic or by its memory, whichever takes longer.</summary>
    public double BoundSeconds(MachineRoofline machine) => Math.Max(Flops / machine.FlopsPerSecond, Bytes / machine.BytesPerSecond);

    /// <summary>The sum of two; the names are the first one's.</summary>
    internal OperationProfile Plus(in OperationProfile other) => this with
    {
        Calls = Calls + other.Calls,
        Seconds = Seconds + other.Seconds,
        Flops = Flops + other.Flops,
        Bytes = Bytes + other.Bytes,
    };
}

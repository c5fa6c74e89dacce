using Engine.Autograd;
using Engine.Models;
using Engine.Tensors;

namespace Engine.Training.Tests;

/// <summary>A linear classifier of each pixel's neighbourhood, and as auxiliary head one of the pixel alone.</summary>
sealed class PixelSegmenter(int classes, bool auxiliary = false, int reach = 1, ulong seed = 1) : Segmenter(ModuleScope.Root(seed))
{
    readonly Dictionary<string, Parameter> parts = [];

    public List<Shape> Seen { get; } = [];

    public override int Classes => classes;

    public override int ImageSize => 16;

    public override string Architecture => $"pixels, {classes} classes";

    public override float AuxiliaryWeight => 0.25f;

    public override Variable Forward(Variable pixels) => ForwardBoth(pixels).Logits;

    public override (Variable Logits, Variable? Auxiliary) ForwardBoth(Variable pixels)
    {
        Seen.Add(pixels.Shape);
        Variable logits = Functions.Conv2d(pixels, Part("weight", [classes, 3, 2 * reach + 1, 2 * reach + 1]), Part("bias", [classes]), padding: reach);
        return (logits, auxiliary ? Functions.Conv2d(pixels, Part("auxiliary", [classes, 3, 1, 1])) : null);
    }

    /// <summary>Makes the parameters before anything is computed, so that a trainer finds them.</summary>
    public PixelSegmenter Built()
    {
        using StepScope scope = StepScope.Begin();
        ForwardBoth(Tensor.Zeros([1, 3, 8, 8]));
        Seen.Clear();
        return this;
    }

    Parameter Part(string name, Shape shape)
    {
        if (!parts.TryGetValue(name, out Parameter? part))
            parts[name] = part = At.Parameter(name, shape, InitialValues.Uniform(0.5f));
        return part;
    }
}

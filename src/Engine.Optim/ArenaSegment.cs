using Engine.Autograd;

namespace Engine.Optim;

/// <summary>Where one parameter lies in the arena. SPD calls it a layer.</summary>
public sealed class ArenaSegment
{
    internal ArenaSegment(int index, Parameter parameter, ParameterGroup group, int first) =>
        (Index, Parameter, Group, First, Length) = (index, parameter, group, first, checked((int)parameter.Value.ElementCount));

    /// <summary>Its place in <see cref="ParameterArena.Segments"/>.</summary>
    public int Index { get; }

    /// <summary>The parameter; its value and gradient are views of the arena.</summary>
    public Parameter Parameter { get; }

    /// <summary>The settings it follows.</summary>
    public ParameterGroup Group { get; }

    /// <summary>The first element in the arena's buffers, a multiple of 64.</summary>
    public int First { get; }

    /// <summary>How many elements.</summary>
    public int Length { get; }

    /// <summary>The parameter's name.</summary>
    public string Name => Parameter.Name;

    /// <summary>True if it has an anchor to be held to; see <see cref="ParameterArena.Anchor"/>.</summary>
    public bool IsAnchored { get; internal set; }

    /// <summary>blocks.0.norm1.weight [768]</summary>
    public override string ToString() => $"{Name} {Parameter.Shape}";
}

namespace Engine.Optim;

/// <summary>Settings of what holds parameters to their pre-trained values by Adam's side.</summary>
public record AnchoredOptions : AdamOptions
{
    /// <summary>Which parameters have an anchor. Where a projection is switched on too, its anchors count.</summary>
    public AnchorOptions Anchors { get; init; } = new();

    internal override AnchorOptions? AnchorChoice => Projection?.Anchors ?? Anchors;
}

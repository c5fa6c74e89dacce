using System.IO.Enumeration;
using Engine.Autograd;

namespace Engine.Optim;

/// <summary>Which parameters have an anchor, that is, a pre-trained value worth staying close to.</summary>
public sealed record AnchorOptions
{
    /// <summary>Names that have none, with <c>*</c> for any characters and <c>?</c> for one: <c>head.*</c>, <c>*.bias</c>.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>
    /// Anchor parameters to their random start too (<see cref="Parameter.IsFresh"/>), as the official script does with a new head.
    /// </summary>
    public bool IncludeFresh { get; init; }

    internal bool Anchors(Parameter parameter)
    {
        foreach (string pattern in Exclude)
            if (Matches(pattern, parameter.Name)) return false;
        return parameter.ZeroAnchor || IncludeFresh || !parameter.IsFresh;
    }

    internal static bool Matches(string pattern, string name) =>
        FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false);
}

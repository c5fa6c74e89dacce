using System.IO.Enumeration;
using System.Text.RegularExpressions;

namespace Engine.Models;

/// <summary>
/// A matrix that can have an adapter: a linear layer, or those rows of a fused one that the checkpoint's library keeps as a
/// layer of their own.
/// </summary>
/// <param name="Layer">The layer of the model.</param>
/// <param name="Name">Its name in the model, with the part's behind it: <c>blocks.3.attn.qkv.query</c>.</param>
/// <param name="StoredName">Its name in the library: <c>vit.encoder.layer.3.attention.attention.query</c>.</param>
/// <param name="Part">The part's name: <c>query</c>; empty for a whole layer.</param>
/// <param name="FirstRow">The first of its rows in the layer's weight.</param>
/// <param name="Rows">How many.</param>
sealed record AdapterSite(Linear Layer, string Name, string StoredName, string Part, int FirstRow, int Rows)
{
    /// <summary>What libraries call a target that is every linear layer but the head.</summary>
    public const string AllLinear = "all-linear";

    static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);        // a regular expression may come from anywhere

    /// <summary>Queries, keys and values of a fused projection by their short names.</summary>
    string? Alias => Part.Length > 0 && Layer.Outputs == 3 * Rows ? $"{Layer.Path[..(Layer.Path.LastIndexOf('.') + 1)]}{"qkv"[FirstRow / Rows]}" : null;

    /// <summary>Whether a target of <see cref="AdapterOptions.Targets"/> means this site.</summary>
    public bool Fits(string target)
    {
        if (target == AllLinear) return !IsHead;
        foreach (string? name in (ReadOnlySpan<string?>)[Name, Layer.Path, StoredName, Alias])
            if (name is not null && (Ends(name, target) || FileSystemName.MatchesSimpleExpression(target, name, ignoreCase: false))) return true;
        return false;
    }

    bool IsHead => Layer.Path == "head";

    /// <summary>Whether a target of the library's means this site: the library's name, or its end.</summary>
    public bool FitsStored(string target) => target == AllLinear ? !IsHead : Ends(StoredName, target);

    static bool Ends(string name, string target) =>
        name.EndsWith(target, StringComparison.Ordinal) && (name.Length == target.Length || name[name.Length - target.Length - 1] == '.');

    /// <summary>Whether a regular expression fits the whole of the library's name.</summary>
    /// <exception cref="ArgumentException">It is no regular expression, or takes too long.</exception>
    public bool FitsExpression(string expression)
    {
        if (expression == AllLinear) return !IsHead;
        try
        {
            return Regex.IsMatch(StoredName, $"^(?:{expression})$", RegexOptions.CultureInvariant, Patience);
        }
        catch (RegexMatchTimeoutException e)
        {
            throw new ArgumentException($"the expression '{expression}' takes too long on '{StoredName}'", e);
        }
    }

    /// <summary>The value of the first key that fits, as a target or as an expression for the end of the library's name.</summary>
    public T Choose<T>(IReadOnlyDictionary<string, T> patterns, T fallback)
    {
        foreach (var (pattern, value) in patterns)
            if (Fits(pattern) || FitsExpression($"(?:.*\\.)?(?:{pattern})")) return value;
        return fallback;
    }
}

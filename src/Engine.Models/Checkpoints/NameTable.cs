namespace Engine.Models;

/// <summary>
/// One row of a layout's table: how a parameter is stored. A <c>*</c> stands for one run of characters without a dot, the same on both
/// sides: <c>blocks.*.norm1.*</c> is stored as <c>encoder.layers.encoder_layer_*.ln_1.*</c>.
/// </summary>
/// <param name="Name">The parameter's name in the model.</param>
/// <param name="Stored">
/// The tensor's name in the file; or several, whose rows one after the other are the parameter: queries, keys and values
/// that are apart there and fused here.
/// </param>
readonly record struct NameRow(string Name, params string[] Stored);

/// <summary>
/// A layout as one table. Loading asks it where each parameter's values come from, saving asks it where they go: the same
/// question, so that what was loaded is saved as it came.
/// </summary>
sealed class NameTable(params NameRow[] rows)
{
    /// <summary>The stored tensors whose rows make up a parameter, in order; empty for a parameter that the layout has no place for.</summary>
    public string[] Stored(string name)
    {
        List<string> captures = [];
        foreach (NameRow row in rows)
        {
            if (!Matches(row.Name, name, captures)) continue;
            string[] stored = new string[row.Stored.Length];
            for (int i = 0; i < stored.Length; i++) stored[i] = Fill(row.Stored[i], captures);
            return stored;
        }

        return [];
    }

    /// <summary>Whether a stored tensor's name is one that the table gives.</summary>
    public bool Holds(string stored)
    {
        List<string> captures = [];
        return rows.Any(row => row.Stored.Any(pattern => Matches(pattern, stored, captures)));
    }

    /// <summary>Whether a name fits a pattern, and what its stars stand for.</summary>
    public static bool Matches(string pattern, string name, List<string> captures)
    {
        captures.Clear();
        int at = 0;
        foreach (char expected in pattern)
        {
            if (expected == '*')
            {
                int length = name.AsSpan(at).IndexOf('.');
                if (length < 0) length = name.Length - at;
                if (length == 0) return false;
                captures.Add(name.Substring(at, length));
                at += length;
            }
            else if (at == name.Length || name[at++] != expected)
            {
                return false;
            }
        }

        return at == name.Length;
    }

    static string Fill(string pattern, List<string> captures)
    {
        string[] literals = pattern.Split('*');
        string filled = literals[0];
        for (int i = 1; i < literals.Length; i++) filled += captures[i - 1] + literals[i];
        return filled;
    }
}

using System.Globalization;
using System.Text.RegularExpressions;

namespace Engine.Gpu.Tests;

/// <summary>One instruction of PTX text: its guard, its name in parts, its operands as written.</summary>
sealed record PtxInstruction(string? Guard, bool GuardIsNegated, string[] Name, string[] Operands);

/// <summary>The body of a kernel in PTX text, as far as <see cref="PtxEmulator"/> understands it.</summary>
sealed partial class PtxProgram
{
    readonly Dictionary<string, int> labels = [];

    public PtxProgram(string text)
    {
        text = Comment().Replace(text, "");
        int start = text.IndexOf('{', text.IndexOf(".maxntid", StringComparison.Ordinal)) + 1;
        List<PtxInstruction> instructions = [];
        foreach (string piece in text[start..text.LastIndexOf('}')].Split(';'))
        {
            string statement = piece.Trim();
            while (statement.Length > 0)
            {
                Match label = Label().Match(statement);
                if (label.Success)
                {
                    labels[label.Groups[1].Value] = instructions.Count;
                    statement = statement[label.Length..].Trim();
                }
                else if (statement[0] is '{' or '}') statement = statement[1..].Trim();
                else break;
            }

            if (statement.Length > 0 && statement[0] != '.') instructions.Add(Parse(statement));
        }

        Instructions = [.. instructions];
    }

    public PtxInstruction[] Instructions { get; }

    public int Target(string label) => labels[label];

    static PtxInstruction Parse(string statement)
    {
        Match match = Statement().Match(statement);
        if (!match.Success) throw new NotSupportedException($"PTX: '{statement}'");
        string guard = match.Groups["guard"].Value;
        string[] operands = [.. Operand().Matches(match.Groups["operands"].Value).Select(operand => operand.Value.Trim())];
        return new(guard.Length == 0 ? null : guard.TrimStart('@', '!'), guard.StartsWith("@!", StringComparison.Ordinal), match.Groups["name"].Value.Split('.'), operands);
    }

    /// <summary>The bits of a number as PTX writes it; null for a name.</summary>
    public static ulong? Constant(string operand)
    {
        if (operand.StartsWith("0f", StringComparison.Ordinal)) return ulong.Parse(operand.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return long.TryParse(operand, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? (ulong)number : null;
    }

    [GeneratedRegex(@"//[^\n]*")]
    private static partial Regex Comment();

    [GeneratedRegex(@"^([A-Za-z_]\w*):")]
    private static partial Regex Label();

    [GeneratedRegex(@"^(?<guard>@!?%?\w+)?\s*(?<name>[a-z][\w.]*)\s*(?<operands>.*)$", RegexOptions.Singleline)]
    private static partial Regex Statement();

    [GeneratedRegex(@"\{[^}]*\}|\[[^\]]*\]|[^,\s]+")]
    private static partial Regex Operand();
}

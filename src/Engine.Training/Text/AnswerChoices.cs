using System.Text.RegularExpressions;

namespace Engine.Training;

/// <summary>A question with the answers it can have, as the commonsense sets of LLM-Adapters (Hu et al. 2023) put it.</summary>
/// <param name="Example">The example.</param>
/// <param name="Candidates">The answers: <c>true</c> and <c>false</c>, <c>answer1</c> to <c>answer5</c>, <c>option1</c>, <c>ending1</c>, <c>solution1</c>.</param>
/// <param name="Correct">Which is right.</param>
public sealed partial record AnswerChoices(InstructionExample Example, IReadOnlyList<string> Candidates, int Correct)
{
    const string Lead = "the correct answer is ";

    /// <summary>The text a candidate would be given as: the example's own output with another answer.</summary>
    public string TextOf(int candidate)
    {
        string right = Candidates[Correct];
        int at = Example.Output.LastIndexOf(right, StringComparison.Ordinal);
        return at < 0 ? Lead + Candidates[candidate] : string.Concat(Example.Output.AsSpan(0, at), Candidates[candidate], Example.Output.AsSpan(at + right.Length));
    }

    /// <summary>The answer that a text gives: the first candidate in it, as LLM-Adapters' evaluation finds it; null for none.</summary>
    public int? Find(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        (int Place, int Candidate)? first = null;
        for (int i = 0; i < Candidates.Count; i++)
        {
            int at = text.IndexOf(Candidates[i], StringComparison.Ordinal);
            if (at >= 0 && (first is null || at < first.Value.Place)) first = (at, i);
        }

        return first?.Candidate;
    }

    /// <summary>The choices of an example: what it lists as <c>Answer format: a/b/c</c>, or else the numbered ones in its instruction.</summary>
    /// <param name="example">The example.</param>
    /// <param name="location">The file, for messages.</param>
    /// <param name="number">Which example of it, from 1.</param>
    /// <exception cref="DatasetException">There are no two candidates, or the right one is not among them.</exception>
    public static AnswerChoices Of(InstructionExample example, string location, int number)
    {
        ArgumentNullException.ThrowIfNull(example);
        string[] candidates = Candidate(example.Instruction);
        if (candidates.Length < 2)
            throw new DatasetException(location, $"entry {number}: no answers to choose from are found in the instruction; it should list them as \"Answer format: answer1/answer2\"");
        string right = example.Answer ?? candidates.Where(candidate => example.Output.EndsWith(candidate, StringComparison.Ordinal)).MaxBy(candidate => candidate.Length) ?? "";
        int correct = Array.IndexOf(candidates, right);
        return correct >= 0 ? new(example, candidates, correct)
            : throw new DatasetException(location, $"entry {number}: the answer \"{right}\" is none of {string.Join('/', candidates)}");
    }

    static string[] Candidate(string instruction)
    {
        Match format = AnswerFormat().Match(instruction);
        if (format.Success) return [.. format.Groups[1].Value.Split('/', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Distinct()];
        string[] numbered = [.. Numbered().Matches(instruction).Select(match => match.Value.ToLowerInvariant()).Distinct()];
        return numbered.Length > 0 || !TrueOrFalse().IsMatch(instruction) ? numbered : ["true", "false"];
    }

    [GeneratedRegex(@"Answer format:\s*(\S+(?:\s*/\s*\S+)*)")]
    private static partial Regex AnswerFormat();

    [GeneratedRegex(@"\b(?:Answer|Option|Ending|Solution)[1-9](?=:)", RegexOptions.CultureInvariant)]
    private static partial Regex Numbered();

    [GeneratedRegex(@"\btrue or false\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex TrueOrFalse();
}

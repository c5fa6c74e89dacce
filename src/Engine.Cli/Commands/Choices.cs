using System.CommandLine;
using Engine.Training;

namespace Engine.Cli;

/// <summary>Options that take one of a few words.</summary>
static class Choices
{
    /// <summary>The schedules of the learning rate.</summary>
    public static (string Word, ScheduleKind Kind)[] Schedules { get; } =
        [("constant", ScheduleKind.Constant), ("linear", ScheduleKind.Linear), ("cosine", ScheduleKind.Cosine), ("step", ScheduleKind.Step)];

    /// <summary>What the word chosen stands for.</summary>
    /// <exception cref="UsageException">No such word; the message lists them.</exception>
    public static T Choose<T>(this ParseResult parsed, Option<string> option, params ReadOnlySpan<(string Word, T Value)> choices)
    {
        string chosen = parsed.GetValue(option)!;
        List<string> words = [];
        foreach ((string word, T value) in choices)
        {
            if (word == chosen) return value;
            words.Add(word);
        }

        throw new UsageException($"{option.Name} is '{chosen}'; choose {(words.Count > 1 ? $"{string.Join(", ", words.SkipLast(1))} or " : "")}{words[^1]}.");
    }

    /// <summary>True if the option was typed, false if it has its default.</summary>
    public static bool IsGiven(this ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };
}

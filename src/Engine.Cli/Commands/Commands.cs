using System.CommandLine;
using System.CommandLine.Parsing;
using Engine.Autograd;
using Engine.Models;
using Engine.Tensors;
using Engine.Training;

namespace Engine.Cli;

/// <summary>What a command returns to the shell.</summary>
static class ExitCode
{
    public const int Success = 0, Failure = 1, Usage = 2, Interrupted = 130;
}

/// <summary>What all commands share: how a failure becomes one line, and how Ctrl-C becomes a token.</summary>
static class Commands
{
    // What System.CommandLine says of a value it cannot read, in the words of someone who types it.
    static readonly (string Said, string Meant)[] Types =
    [
        (" as expected type 'System.Int32'", ": a whole number is expected"),
        (" as expected type 'System.UInt64'", ": a whole number of 0 or more is expected"),
        (" as expected type 'System.Double'", ": a number is expected"),
        (" as expected type 'System.Nullable`1[System.Int32]'", ": a whole number is expected"),
        (" as expected type 'System.Nullable`1[System.Double]'", ": a number is expected"),
        (" as expected type 'System.Single'", ": a number is expected"),
    ];

    /// <summary>A command with a line for the list of commands, and more for those who ask for its help.</summary>
    /// <param name="name">What is typed.</param>
    /// <param name="summary">What it does, in a line.</param>
    /// <param name="details">How, and examples.</param>
    public static Command Create(string name, string summary, string details)
    {
        // The list of commands and a command's own help show the same description; so the arguments decide which it is.
        bool asked = Environment.GetCommandLineArgs().ElementAtOrDefault(1) == name;
        return new(name, asked ? $"{summary}\n\n{details}" : summary);
    }

    /// <summary>Says in one line what cannot be understood of the command line.</summary>
    /// <returns>The exit code.</returns>
    public static int Refuse(ParseResult parsed)
    {
        string message = parsed.UnmatchedTokens is [string unknown, ..] ? $"There is no command or option '{unknown}'" : parsed.Errors[0].Message.TrimEnd('.').ReplaceLineEndings(" ");
        foreach ((string said, string meant) in Types) message = message.Replace(said, meant, StringComparison.Ordinal);
        return Fail($"{message}. See {string.Join(' ', PathOf(parsed.CommandResult).Prepend("engine"))} --help.", ExitCode.Usage);
    }

    /// <summary>Runs a command's work. Faults that a person can mend end in one line and exit code 1, wrong options in 2.</summary>
    public static void Run(Command command, Func<ParseResult, CancellationToken, int> work) => command.SetAction(parsed =>
    {
        using Interruption interruption = new();
        try
        {
            return work(parsed, interruption.Token);
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("Interrupted.");
            return ExitCode.Interrupted;
        }
        catch (UsageException exception)
        {
            return Fail(exception.Message, ExitCode.Usage);
        }
        catch (Exception exception) when (Explains(exception))
        {
            return Fail(exception.Message, ExitCode.Failure);
        }
        catch (Exception exception) when (Environment.GetEnvironmentVariable("ENGINE_TRACE") is null)
        {
            return Fail($"Unexpected {exception.GetType().Name}: {exception.Message} Set ENGINE_TRACE=1 to see where.", ExitCode.Failure);
        }
    });

    // Exceptions whose message names what is wrong, where, and what to do.
    static bool Explains(Exception exception) => exception is CheckpointException or DatasetException or ImageException
        or PreprocessingException or ShapeException or DeviceException or GradientException or InvalidDataException or IOException or UnauthorizedAccessException;

    static int Fail(string message, int code)
    {
        Console.Error.WriteLine($"error: {message.ReplaceLineEndings(" ")}");
        return code;
    }

    /// <summary>The words that lead to a command, without the root.</summary>
    static Stack<string> PathOf(CommandResult result)
    {
        Stack<string> words = new();
        for (SymbolResult? at = result; at?.Parent is not null; at = at.Parent)
            if (at is CommandResult command) words.Push(command.Command.Name);
        return words;
    }
}

/// <summary>Options that do not make sense. The message is for the person who typed them.</summary>
sealed class UsageException(string message) : Exception(message);

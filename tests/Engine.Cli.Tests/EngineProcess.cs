using System.Diagnostics;

namespace Engine.Cli.Tests;

/// <summary>What a run of the command printed and returned.</summary>
sealed record Outcome(int Code, string Output, string Errors)
{
    public string[] ErrorLines => Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>The built command as a process, as a shell starts it.</summary>
static class EngineProcess
{
    static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    public static Outcome Run(params string[] arguments)
    {
        using Process process = Start(arguments);
        return Finish(process);
    }

    public static Process Start(params string[] arguments)
    {
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments.Prepend(Path.Combine(AppContext.BaseDirectory, "engine.dll"))) start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    public static Outcome Finish(Process process)
    {
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Limit))
        {
            process.Kill();
            Assert.Fail($"engine did not end within {Limit}.");
        }

        return new(process.ExitCode, output.Result, errors.Result);
    }
}

using System.CommandLine;
using Engine.Models;
using Engine.Training;

namespace Engine.Cli;

/// <summary>The options that say which parameters are trained.</summary>
sealed class AdaptationArguments
{
    readonly Option<string> trainable = new("--trainable") { Description = "all; head, a linear probe; or bias, BitFit: the biases and a classifier's head.", DefaultValueFactory = _ => "all" };
    readonly Option<string[]> freeze = new("--freeze") { Description = "Parameters not to train, by name; * and ? match: --freeze 'blocks.0.*'.", AllowMultipleArgumentsPerToken = true };

    enum Part
    {
        All,
        Head,
        Bias,
    }

    public IReadOnlyList<Option> Options => [trainable, freeze];

    /// <summary>Faults that show before anything is loaded.</summary>
    /// <exception cref="UsageException">A value makes no sense.</exception>
    public void Check(ParseResult parsed) => Chosen(parsed);

    /// <summary>Chooses the parameters of a model that is loaded; the trainer's options say it from then on.</summary>
    /// <exception cref="UsageException">A pattern fits no parameter, or nothing is left to train; the message names the option.</exception>
    public TrainingOptions Apply(ParseResult parsed, PreparedRun run, TrainingOptions options)
    {
        Module model = run.Task.Model;
        Part part = Chosen(parsed);
        if (part == Part.Head && run.Head.Count == 0)
            throw new UsageException($"{trainable.Name} head: a {model.GetType().Name} has no head of its own.");
        options = options with
        {
            TrainOnly = part switch { Part.Head => run.Head, Part.Bias => ["*.bias", .. run.Head], _ => [] },
            Freeze = parsed.GetValue(freeze) ?? [],
        };
        Choose(trainable, model, options with { Freeze = [] });
        Choose(freeze, model, options);
        if (!model.IsTrainable) throw new UsageException($"{freeze.Name}: every parameter is frozen; leave some to train.");
        return options;
    }

    static void Choose(Option option, Module model, TrainingOptions options)
    {
        try
        {
            options.ChooseParameters(model);
        }
        catch (ArgumentException exception)
        {
            throw new UsageException($"{option.Name}: {exception.Message}");
        }
    }

    Part Chosen(ParseResult parsed) => parsed.Choose(trainable, ("all", Part.All), ("head", Part.Head), ("bias", Part.Bias));
}

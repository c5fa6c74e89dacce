using System.CommandLine;
using Engine.Models;

namespace Engine.Cli;

/// <summary>The part of a command that deals with one kind of model. A new kind is one file for each command that takes it.</summary>
abstract class ModelBranch
{
    /// <summary>The kind.</summary>
    public abstract ModelKind Kind { get; }

    /// <summary>What it is, for people: <c>image classifier</c>.</summary>
    public abstract string Subject { get; }

    /// <summary>For the help: what <c>--data</c> is, and further lines with examples.</summary>
    public abstract string Help { get; }

    /// <summary>The options that make sense for this kind and not for every other.</summary>
    public virtual IReadOnlyList<Option> Options => [];

    /// <summary>True if this is the branch for a model on such data.</summary>
    public virtual bool Takes(ModelKind kind, string data) => kind == Kind;
}

/// <summary>How a command finds the branch for what it was given.</summary>
static class ModelBranches
{
    /// <summary>The help of all branches, one after the other.</summary>
    public static string Help(IEnumerable<ModelBranch> branches) => string.Join("\n\n", branches.Select(branch => branch.Help));

    /// <summary>The options of all branches, each once.</summary>
    public static IEnumerable<Option> Options(IEnumerable<ModelBranch> branches) => branches.SelectMany(branch => branch.Options).Distinct();

    /// <summary>The branch for a folder's model, with the adapters of another folder or none; options of the others are refused.</summary>
    /// <exception cref="CheckpointException">The folder holds no model, or of a kind that the command does not take.</exception>
    /// <exception cref="UsageException">An option was given that makes no sense for it.</exception>
    public static TBranch Choose<TBranch>(this IReadOnlyList<TBranch> branches, ParseResult parsed, string folder, string data, string? adapter = null) where TBranch : ModelBranch
    {
        ModelKind kind = AdaptedModel.KindOf(folder, adapter);
        TBranch chosen = branches.FirstOrDefault(branch => branch.Takes(kind, data))
            ?? throw new CheckpointException(folder, $"holds {kind.WithArticle()}; this command takes {string.Join(" and ", branches.Select(branch => $"{branch.Subject}s"))}");
        chosen.RefuseOptionsOfOthers(parsed, branches, $"{folder} is {WithArticle(chosen.Subject)}");
        return chosen;
    }

    /// <summary>An option that would do nothing is a misunderstanding; better said now than found out after the run.</summary>
    public static void RefuseOptionsOfOthers(this ModelBranch chosen, ParseResult parsed, IEnumerable<ModelBranch> branches, string because)
    {
        foreach (ModelBranch other in branches)
            foreach (Option option in other.Options)
                if (!chosen.Options.Contains(option) && parsed.IsGiven(option))
                    throw new UsageException($"{option.Name} is for {other.Subject}s; {because}.");
    }

    /// <summary>A kind in words: an image classifier.</summary>
    public static string WithArticle(this ModelKind kind) => WithArticle(kind switch
    {
        ModelKind.ImageClassifier => "image classifier",
        ModelKind.Segmenter => "segmentation model",
        _ => "language model",
    });

    static string WithArticle(string noun) => $"{("aeiou".Contains(noun[0], StringComparison.Ordinal) ? "an" : "a")} {noun}";
}

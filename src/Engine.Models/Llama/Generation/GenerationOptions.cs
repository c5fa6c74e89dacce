namespace Engine.Models;

/// <summary>How a text is continued. The defaults always take the likeliest token.</summary>
public sealed record GenerationOptions
{
    /// <summary>Most tokens to add. The end of the model's context ends a text too.</summary>
    public int MaxNewTokens { get; init; } = 128;

    /// <summary>What the scores are divided by before a token is drawn: below 1 bolder, above 1 more even. 0 takes the likeliest token.</summary>
    public double Temperature { get; init; }

    /// <summary>Draw among so many likeliest tokens only (Fan et al. 2018); 0 for all.</summary>
    public int TopK { get; init; }

    /// <summary>Draw among the fewest likeliest tokens that have this probability together (Holtzman et al. 2020), above 0; 1 for all.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Weakens the tokens of prompt and answer so far (Keskar et al. 2019): 1 for not at all, 1.2 in the paper.</summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>Texts that end the answer; they are not part of it.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>Tokens that end the answer; null for those of the model and of the tokenizer.</summary>
    public IReadOnlyList<int>? EndIds { get; init; }

    /// <summary>What tokens are drawn by: the same seed, the same answer.</summary>
    public ulong Seed { get; init; }

    /// <summary>Which of several answers of one seed, each drawn on its own; text i of several has stream Stream + i.</summary>
    public ulong Stream { get; init; }

    /// <summary>The file in which a model's folder recommends options: generation_config.json.</summary>
    public const string FileName = "generation_config.json";

    /// <summary>What the folder of a model recommends in generation_config.json; the defaults where there is none.</summary>
    /// <param name="folder">The folder of the model.</param>
    /// <exception cref="CheckpointException">The file is damaged.</exception>
    public static GenerationOptions Recommended(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) return new();
        ConfigFile config = ConfigFile.Parse(path, File.ReadAllBytes(path));
        GenerationOptions options = new()
        {
            MaxNewTokens = config.Integer("max_new_tokens", 128),
            RepetitionPenalty = config.Number("repetition_penalty", 1),
            EndIds = config.Has("eos_token_id") ? config.IntegersOrOne("eos_token_id") : null,
        };
        if (config.Flag("do_sample", false))
        {
            // What the file leaves out has the library's defaults.
            options = options with { Temperature = config.Number("temperature", 1), TopK = config.Integer("top_k", 50), TopP = config.Number("top_p", 1) };
        }

        try
        {
            return options.Validated();
        }
        catch (ArgumentException e)
        {
            throw config.Fault($"recommends what cannot be: {e.Message.TrimEnd('.')}");
        }
    }

    /// <summary>These options, if a text can be continued so.</summary>
    /// <exception cref="ArgumentException">It cannot; the message says why.</exception>
    public GenerationOptions Validated()
    {
        Require(MaxNewTokens > 0, $"{MaxNewTokens} new tokens; 1 or more are needed");
        Require(Temperature >= 0 && double.IsFinite(Temperature), $"temperature {Temperature}; 0 or more is needed");
        Require(TopK >= 0, $"top-k {TopK}; 0 (all) or more is needed");
        Require(TopP > 0 && TopP <= 1, $"top-p {TopP}; above 0 and at most 1 is needed");
        Require(RepetitionPenalty > 0 && double.IsFinite(RepetitionPenalty), $"repetition penalty {RepetitionPenalty}; a number above 0 is needed");
        foreach (string stop in Stop) Require(!string.IsNullOrEmpty(stop), "an empty stop text would end every answer at once");
        return this;
    }

    static void Require(bool condition, string problem)
    {
        if (!condition) throw new ArgumentException($"GenerationOptions: {problem}.");
    }
}

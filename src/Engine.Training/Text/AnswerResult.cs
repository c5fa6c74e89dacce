namespace Engine.Training;

/// <summary>How a model chose among given answers on one set of questions.</summary>
/// <param name="Questions">How many there were.</param>
/// <param name="Correct">Questions whose likeliest answer was right; of generated answers, whose first answer was.</param>
/// <param name="CorrectNormalized">The same with each answer's log-likelihood divided by its tokens; of generated answers equal to <see cref="Correct"/>.</param>
/// <param name="ChanceSum">The sum over the questions of 1 / candidates.</param>
/// <param name="Unanswered">Of generated answers, those that hold no candidate.</param>
/// <param name="Shortened">Questions longer than the model's context, whose beginning was left away.</param>
/// <param name="LossSum">The sum of -log p of the right answers' tokens, in nats; NaN of generated answers.</param>
/// <param name="Tokens">How many tokens those were.</param>
/// <param name="Elapsed">How long it took.</param>
public sealed record AnswerResult(
    int Questions, int Correct, int CorrectNormalized, double ChanceSum, int Unanswered, int Shortened, double LossSum, long Tokens, TimeSpan Elapsed)
{
    /// <summary>The share answered rightly.</summary>
    public double Accuracy => (double)Correct / Questions;

    /// <summary>The share answered rightly by log-likelihood a token.</summary>
    public double AccuracyNormalized => (double)CorrectNormalized / Questions;

    /// <summary>What guessing gives.</summary>
    public double Chance => ChanceSum / Questions;

    /// <summary>e to the mean -log p of a token of the right answers.</summary>
    public double Perplexity => Math.Exp(LossSum / Tokens);

    /// <summary>The 95 % interval of <see cref="Accuracy"/> (Wilson 1927), which is honest near 0 and 1 too.</summary>
    public (double Low, double High) Interval => Wilson(Correct, Questions);

    static (double, double) Wilson(int hits, int count)
    {
        const double z = 1.959963984540054;         // the normal quantile of 0.975
        double n = count, p = hits / n, square = z * z / n;
        double center = (p + square / 2) / (1 + square), half = z / (1 + square) * Math.Sqrt(p * (1 - p) / n + square / (4 * n));
        return (Math.Max(center - half, 0), Math.Min(center + half, 1));
    }

    /// <summary>Two results together.</summary>
    public static AnswerResult operator +(AnswerResult a, AnswerResult b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        return new(a.Questions + b.Questions, a.Correct + b.Correct, a.CorrectNormalized + b.CorrectNormalized, a.ChanceSum + b.ChanceSum,
            a.Unanswered + b.Unanswered, a.Shortened + b.Shortened, a.LossSum + b.LossSum, a.Tokens + b.Tokens, a.Elapsed + b.Elapsed);
    }
}

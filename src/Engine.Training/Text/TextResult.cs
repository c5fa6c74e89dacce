using System.Globalization;

namespace Engine.Training;

/// <summary>How well a language model predicts the tokens of some texts.</summary>
/// <param name="lossSum">The sum of -log p over the tokens, in nats.</param>
/// <param name="hits">How many were the likeliest ones.</param>
/// <param name="tokens">How many there were.</param>
/// <param name="elapsed">How long it took.</param>
public sealed class TextResult(double lossSum, long hits, long tokens, TimeSpan elapsed) : Measurement
{
    /// <summary>Tokens predicted.</summary>
    public long Tokens => tokens;

    /// <summary>The mean of -log p of a token, in nats.</summary>
    public override double Loss => lossSum / tokens;

    /// <summary>e to the loss: among how many equally likely tokens the model is undecided.</summary>
    public double Perplexity => Math.Exp(Loss);

    /// <summary>The share of tokens that were the likeliest, 0 to 1.</summary>
    public double Accuracy => (double)hits / tokens;

    /// <summary>log p of a token: the perplexity's order turned round, since larger is better.</summary>
    public override double Score => -Loss;

    /// <inheritdoc/>
    public override string ScoreName => "log-likelihood of a token";

    /// <inheritdoc/>
    public override string Summary => string.Create(CultureInfo.InvariantCulture, $"perplexity {Perplexity:G4}, {100 * Accuracy:F1} % of tokens");

    /// <inheritdoc/>
    public override TimeSpan Elapsed => elapsed;
}

using System.Diagnostics;
using System.Globalization;
using Engine.Autograd;
using Engine.Models;
using Engine.Tensors;

namespace Engine.Training;

/// <summary>Learning to continue texts: cross-entropy of the next token, where it is one to be learned.</summary>
/// <param name="model">The language model.</param>
/// <param name="training">The texts to learn from.</param>
/// <param name="validation">Texts to measure on after every epoch, or null.</param>
/// <param name="description">What the tokens depend on besides the loader: tokenizer, template, cutoff.</param>
public sealed class TextTask(Llama model, TextLoader training, TextLoader? validation = null, string description = "") : TrainingTask
{
    /// <inheritdoc/>
    public override Llama Model { get; } = model ?? throw new ArgumentNullException(nameof(model));

    /// <inheritdoc/>
    public override int StepsPerEpoch => training.BatchCount;

    /// <inheritdoc/>
    public override string Unit => "tok";

    /// <inheritdoc/>
    public override string HitName => "token accuracy";

    /// <inheritdoc/>
    public override IEnumerable<TrainingBatch> Epoch(int epoch, int firstStep, CancellationToken cancellation)
    {
        foreach (TextBatch batch in training.Epoch(epoch, firstStep))
        {
            cancellation.ThrowIfCancellationRequested();
            yield return new Step(Model, batch);
        }
    }

    /// <inheritdoc/>
    public override Measurement? Validate(CancellationToken cancellation) => validation is null ? null : Measure(Model, validation, cancellation);

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, string Text)> Description =>
    [
        ("batch size", training.Options.BatchSize.ToString(CultureInfo.InvariantCulture)),
        ("packing", training.Options.PackedLength is { } length ? string.Create(CultureInfo.InvariantCulture, $"sequences of {length} tokens") : "none"),
        ("text order", $"{(training.Options.Shuffle ? "shuffled" : "by length")}, seed {training.Options.Seed.ToString(CultureInfo.InvariantCulture)}"),
        ("training texts", string.Create(CultureInfo.InvariantCulture, $"{training.ExampleCount} of {training.TokenCount} tokens, {training.LabelCount} learned")),
        ("texts", description),
    ];

    /// <summary>Perplexity and token accuracy over one pass, without gradients and with dropout off.</summary>
    /// <param name="model">The model; it is left in evaluation mode.</param>
    /// <param name="texts">The texts.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <param name="progress">Hears what happens.</param>
    public static TextResult Measure(Llama model, TextLoader texts, CancellationToken cancellation = default, IProgress<TrainingProgress>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(texts);
        Stopwatch clock = Stopwatch.StartNew();
        ProgressMeter meter = new("evaluating", texts.BatchCount, 1, progress, "tok", "token accuracy");
        double loss = 0;
        long hits = 0, tokens = 0;
        int number = 0;
        using Tape.Pause pause = Tape.NoGradient();
        model.Evaluate();
        foreach (TextBatch batch in texts.Epoch(0))
        {
            cancellation.ThrowIfCancellationRequested();
            using StepScope scope = StepScope.Begin();
            StepResult result = Forward(model, batch, 0);
            loss += result.Loss.Value.Item() * (double)result.Predictions;
            hits += (long)result.Hits.Item();
            tokens += result.Predictions;
            number++;
            if (meter.Count(batch.Count) || number == texts.BatchCount) meter.Report(number, 1, loss / tokens, (double)hits / tokens, 0);
        }

        return new(loss, hits, tokens, clock.Elapsed);
    }

    /// <summary>Loss and hits of a batch. Logits are made where there is a label and nowhere else: [L, V], not [B, T, V].</summary>
    internal static StepResult Forward(Llama model, TextBatch batch, float labelSmoothing)
    {
        Device device = model.Device;
        Variable hidden = model.Hidden(batch.Tokens(device), batch.Mask(device));                   // [B, T, D]
        Variable rows = Functions.Reshape(hidden, -1, hidden.Shape[2]);                             // [B * T, D]
        if (batch.Places.Count < rows.Shape[0])
            rows = Functions.IndexSelect(rows, 0, Tensor.From<int>([.. batch.Places], [batch.Places.Count], device));   // [L, D]
        Variable logits = model.Logits(rows);                                                       // [L, V]
        Tensor labels = Tensor.From<int>([.. batch.Labels], [batch.Labels.Count], device);
        Variable loss = Functions.CrossEntropy(logits, labels, new CrossEntropyOptions(LabelSmoothing: labelSmoothing));
        // Counted now: backward gives the logits back.
        Tensor hits = Elementwise.Compare(Comparison.Equal, Reduction.ArgMax(logits.Value, -1), labels).To(DType.Float32);
        return new(loss, Reduction.Sum(hits), batch.Labels.Count);
    }

    sealed class Step(Llama model, TextBatch batch) : TrainingBatch
    {
        public override int Count => batch.Count;

        public override StepResult Forward(float labelSmoothing) => TextTask.Forward(model, batch, labelSmoothing);
    }
}

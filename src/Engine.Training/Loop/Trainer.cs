using Engine.Autograd;
using Engine.Models;
using Engine.Optim;
using Engine.Tensors;

namespace Engine.Training;

/// <summary>
/// Trains an image classifier: batches in, steps out. A program drives it and listens; the command line does nothing else.
/// </summary>
/// <example><code>
/// Trainer trainer = new(model, new TrainingOptions { LearningRate = 1e-4, Epochs = 3 });
/// trainer.Fit(trainingLoader, validationLoader, progress, cancellation);
/// </code></example>
public sealed partial class Trainer
{
    readonly TrainingOptions options;

    /// <summary>Puts the model's trainable parameters into an arena and makes the optimizer. The present weights become the anchors.</summary>
    /// <param name="model">The model; it is trained in place.</param>
    /// <param name="options">How.</param>
    /// <param name="optimizer">Makes another optimizer than those the options know; null for theirs.</param>
    /// <exception cref="ArgumentException">An option makes no sense, or nothing is left to train.</exception>
    public Trainer(VisionTransformer model, TrainingOptions options, Func<ParameterArena, Optimizer>? optimizer = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        (Model, this.options) = (model, options);
        model.Freeze([.. options.Freeze]);
        if (!model.IsTrainable) throw new ArgumentException("Every parameter is frozen; nothing is left to train.");
        Arena = new ParameterArena(model.Parameters);
        Optimizer = optimizer?.Invoke(Arena) ?? OptimizerKinds.Create(Arena, options);
        model.Random = RandomPurpose.Regularize.Source(options.Seed);
    }

    /// <summary>The model that is trained.</summary>
    public VisionTransformer Model { get; }

    /// <summary>The trainable parameters.</summary>
    public ParameterArena Arena { get; }

    /// <summary>The update rule with its state.</summary>
    public Optimizer Optimizer { get; }

    /// <summary>Epochs finished, their validation among it.</summary>
    public int Epoch { get; private set; }

    /// <summary>Steps done in the present epoch.</summary>
    public int StepInEpoch { get; private set; }

    /// <summary>The best validation accuracy so far, 0 to 1; NaN before the first.</summary>
    public double BestAccuracy { get; private set; } = double.NaN;

    /// <summary>After how many epochs it was reached; 0 before the first. An equal one later does not count.</summary>
    public int BestEpoch { get; private set; }

    /// <summary>Called after every epoch, with the validation result where there is a validation set.</summary>
    public event Action<Trainer, ClassificationResult?>? EpochFinished;

    /// <summary>
    /// Trains until the epochs of the options are done, from where this trainer is: after a cancellation or
    /// <see cref="LoadState"/> it goes on with the next step, and the weights come out as if it had never stopped.
    /// </summary>
    /// <param name="training">The images to learn from.</param>
    /// <param name="validation">Images to measure on after every epoch, or null.</param>
    /// <param name="progress">Hears what happens, a few times a second.</param>
    /// <param name="cancellation">Stops between two steps.</param>
    /// <param name="phase">What reports call this run.</param>
    /// <exception cref="OperationCanceledException">It was cancelled; the weights are those of the last whole step.</exception>
    /// <exception cref="GradientException">The loss is no longer a number.</exception>
    public void Fit(
        BatchLoader training,
        BatchLoader? validation = null,
        IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellation = default,
        string phase = "training")
    {
        ArgumentNullException.ThrowIfNull(training);
        if (StepInEpoch > training.BatchCount)
            throw new ArgumentException($"Fit: {StepInEpoch} steps of this epoch are done, the loader has {training.BatchCount}; go on with the loader it was begun with.", nameof(training));
        int steps = checked(training.BatchCount * options.Epochs);
        Schedule schedule = Schedules.Of(options.Schedule, steps, options.WarmUpSteps(steps));
        ProgressMeter meter = new(phase, steps, options.Epochs, progress);
        RunningMeans means = new(Model.Device);
        try
        {
            while (Epoch < options.Epochs)
            {
                RunSteps(training, schedule, meter, means, cancellation);
                FinishEpoch(training.BatchCount * (Epoch + 1), validation, meter, means, cancellation);
            }
        }
        catch (OperationCanceledException)
        {
            Read(means, training.BatchCount * Epoch + StepInEpoch);
            throw;
        }
    }

    /// <summary>One step: forward, backward, update.</summary>
    /// <param name="pixels">[B, C, S, S]</param><param name="labels">int32 [B]</param><param name="means">Where loss and hits are counted.</param>
    /// <returns>The loss [], before the update.</returns>
    internal Tensor Step(Tensor pixels, Tensor labels, RunningMeans means)
    {
        Variable logits = Model.Forward(pixels);                                    // [B, classes]
        Variable loss = Functions.CrossEntropy(logits, labels, new CrossEntropyOptions(LabelSmoothing: options.LabelSmoothing));
        means.Add(loss.Value, logits.Value, labels);
        Optimizer.ZeroGradients();
        loss.Backward();
        if (options.Clip is { } norm) Clipping.ByGlobalNorm(Arena, norm);
        Optimizer.Step();
        return loss.Value;
    }

    void RunSteps(BatchLoader training, Schedule schedule, ProgressMeter meter, RunningMeans means, CancellationToken cancellation)
    {
        Model.Train();
        foreach (Batch batch in training.Epoch(Epoch, StepInEpoch, cancellation))
        {
            cancellation.ThrowIfCancellationRequested();
            int step = training.BatchCount * Epoch + StepInEpoch;
            Optimizer.LearningRate = options.LearningRate * schedule.Factor(step);
            using (batch)
            {
                using StepScope scope = StepScope.Begin();
                (Tensor pixels, Tensor labels) = batch.ToTensors(Model.Device);
                Step(pixels, labels, means);
            }

            StepInEpoch++;
            if (!meter.Count(batch.Count)) continue;
            Read(means, step + 1);
            Report(meter, means, step + 1);
        }

        Read(means, training.BatchCount * (Epoch + 1));
    }

    // The epoch counts as finished only when it has been measured: a run stopped in between measures when it is resumed.
    void FinishEpoch(int step, BatchLoader? validation, ProgressMeter meter, RunningMeans means, CancellationToken cancellation)
    {
        ClassificationResult? measured = validation is null ? null : Evaluator.Run(Model, validation, cancellation);
        if (measured is { Loss: var loss } && !double.IsFinite(loss)) throw Diverged("validation loss", loss, step);
        if (measured is not null && !(measured.Accuracy <= BestAccuracy)) (BestAccuracy, BestEpoch) = (measured.Accuracy, Epoch + 1);
        Report(meter, means, step, measured);
        (Epoch, StepInEpoch) = (Epoch + 1, 0);
        EpochFinished?.Invoke(this, measured);
    }

    void Report(ProgressMeter meter, RunningMeans means, int step, ClassificationResult? validation = null) =>
        meter.Report(step, Epoch + 1, means.Loss, means.Accuracy, Optimizer.LearningRate, validation);

    void Read(RunningMeans means, int step)
    {
        if (!means.Read()) throw Diverged("loss", means.Loss, step);
    }

    GradientException Diverged(string what, double loss, int step) => new(FormattableString.Invariant(
        $"The {what} is {loss} at step {step}: lower the learning rate (it is {Optimizer.LearningRate:G3}), clip the gradient, or look for bad data."));
}

using Engine.Autograd;
using Engine.Models;
using Engine.Optim;
using Engine.Tensors;

namespace Engine.Training;

/// <summary>
/// Trains what a <see cref="TrainingTask"/> says: batches in, steps out. A program drives it and listens; the command line does nothing else.
/// </summary>
/// <example><code>
/// Trainer trainer = new(new ImageClassificationTask(model, training, validation), new TrainingOptions { LearningRate = 1e-4, Epochs = 3 });
/// trainer.Fit(progress, cancellation);
/// </code></example>
public sealed partial class Trainer
{
    readonly TrainingOptions options;
    readonly StepStart stepStart;

    /// <summary>Puts the model's trainable parameters into an arena and makes the optimizer. The present weights become the anchors.</summary>
    /// <param name="task">The model, the data, the loss; the model is trained in place.</param>
    /// <param name="options">How.</param>
    /// <param name="optimizer">Makes another optimizer than those the options know; null for theirs.</param>
    /// <exception cref="ArgumentException">An option makes no sense, or nothing is left to train.</exception>
    public Trainer(TrainingTask task, TrainingOptions options, Func<ParameterArena, Optimizer>? optimizer = null)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        (Task, this.options) = (task, options);
        options.ChooseParameters(Model);
        if (!Model.IsTrainable) throw new ArgumentException("Every parameter is frozen; nothing is left to train.");
        Arena = OptimizerKinds.Arena(Model, options);
        Optimizer = optimizer?.Invoke(Arena) ?? OptimizerKinds.Create(Arena, options, Model);
        Model.RecomputesBlocks = options.Recompute;
        Model.Random = RandomPurpose.Regularize.Source(options.Seed);
        stepStart = new(Model, options.Accumulation);
    }

    /// <summary>What is trained.</summary>
    public TrainingTask Task { get; }

    /// <summary>The model that is trained.</summary>
    public Module Model => Task.Model;

    /// <summary>The trainable parameters.</summary>
    public ParameterArena Arena { get; }

    /// <summary>The update rule with its state.</summary>
    public Optimizer Optimizer { get; }

    /// <summary>Epochs finished, their validation among it.</summary>
    public int Epoch { get; private set; }

    /// <summary>Steps done in the present epoch.</summary>
    public int StepInEpoch { get; private set; }

    /// <summary>Steps of an epoch: its batches by the accumulation, the last step with what is left.</summary>
    public int StepsPerEpoch => (int)(((long)Task.StepsPerEpoch + options.Accumulation - 1) / options.Accumulation);

    /// <summary>The best <see cref="Measurement.Score"/> of a validation so far; NaN before the first.</summary>
    public double BestScore { get; private set; } = double.NaN;

    /// <summary>After how many epochs it was reached; 0 before the first. An equal one later does not count.</summary>
    public int BestEpoch { get; private set; }

    /// <summary>The result with that score in a few words; null before the first.</summary>
    public string? BestSummary { get; private set; }

    /// <summary>Called when the gradients of a step are complete, clipped if that was asked, before the weights change.</summary>
    public event Action<Trainer>? StepReady;

    /// <summary>Called after every epoch, with the validation result where there is a validation set.</summary>
    public event Action<Trainer, Measurement?>? EpochFinished;

    /// <summary>Called after every step, before the next batch.</summary>
    public event Action<Trainer>? StepFinished;

    /// <summary>
    /// Trains until the epochs of the options are done, from where this trainer is: after a cancellation or
    /// <see cref="LoadState"/> it goes on with the next step, and the weights come out as if it had never stopped.
    /// </summary>
    /// <param name="progress">Hears what happens, a few times a second.</param>
    /// <param name="cancellation">Stops between two steps.</param>
    /// <param name="phase">What reports call this run.</param>
    /// <exception cref="OperationCanceledException">It was cancelled; the weights are those of the last whole step.</exception>
    /// <exception cref="GradientException">The loss is no longer a number.</exception>
    public void Fit(IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default, string phase = "training")
    {
        int steps = checked(StepsPerEpoch * options.Epochs);
        Schedule schedule = Schedules.Of(options.Schedule, steps, options.WarmUpSteps(steps));
        ProgressMeter meter = new(phase, steps, options.Epochs, progress, Task.Unit, Task.HitName);
        RunningMeans means = new(Model.Device);
        using NarrowWeights? narrow = options.Precision == Precision.BFloat16 ? new(Arena, Model.Parameters) : null;
        try
        {
            while (Epoch < options.Epochs)
            {
                RunSteps(schedule, meter, means, narrow, cancellation);
                narrow?.Refresh();
                FinishEpoch(StepsPerEpoch * (Epoch + 1), meter, means, cancellation);
            }
        }
        catch (OperationCanceledException)
        {
            Read(means, StepsPerEpoch * Epoch + StepInEpoch);
            throw;
        }
    }

    /// <summary>One step on one batch, for tests that drive single steps: forward, backward, update.</summary>
    /// <returns>The loss, before the update.</returns>
    internal double Step(TrainingBatch batch)
    {
        RunningMeans means = new(Model.Device);
        Model.Train();
        Step(batch, [], means);
        means.Read();
        return means.Loss;
    }

    void RunSteps(Schedule schedule, ProgressMeter meter, RunningMeans means, NarrowWeights? narrow, CancellationToken cancellation)
    {
        Model.Train();
        using IEnumerator<TrainingBatch> batches = Task.Epoch(Epoch, Math.Min(StepInEpoch * options.Accumulation, Task.StepsPerEpoch), cancellation).GetEnumerator();
        while (StepInEpoch < StepsPerEpoch)
        {
            cancellation.ThrowIfCancellationRequested();
            int step = StepsPerEpoch * Epoch + StepInEpoch;
            Optimizer.LearningRate = options.LearningRate * schedule.Factor(step);
            narrow?.Refresh();
            int count = Step(Next(batches), Rest(batches), means);
            StepInEpoch++;
            StepFinished?.Invoke(this);
            if (!meter.Count(count)) continue;
            Read(means, step + 1);
            Report(meter, means, step + 1);
        }

        Read(means, StepsPerEpoch * (Epoch + 1));
    }

    // What a step takes besides its first batch. At the end of an epoch there may be fewer.
    IEnumerable<TrainingBatch> Rest(IEnumerator<TrainingBatch> batches)
    {
        for (int i = 1; i < options.Accumulation && batches.MoveNext(); i++) yield return batches.Current;
    }

    TrainingBatch Next(IEnumerator<TrainingBatch> batches) => batches.MoveNext() ? batches.Current
        : throw new InvalidOperationException($"Fit: {Task.GetType().Name} promised {Task.StepsPerEpoch} batches an epoch and gave fewer.");

    // The gradient of a step is that of the mean over all its predictions, whatever the sizes of its batches.
    int Step(TrainingBatch first, IEnumerable<TrainingBatch> rest, RunningMeans means)
    {
        stepStart.Mark();
        Optimizer.ZeroGradients();
        long predictions = 0;
        int count = 0;
        try
        {
            foreach (TrainingBatch batch in rest.Prepend(first))
            {
                predictions += Accumulate(batch, means);
                count += batch.Count;
            }
        }
        catch (OperationCanceledException)
        {
            stepStart.Restore();
            throw;
        }

        if (predictions > 0) Update(predictions);
        return count;
    }

    /// <summary>Forward and backward of one batch of a step.</summary>
    /// <returns>Its predictions.</returns>
    int Accumulate(TrainingBatch batch, RunningMeans means)
    {
        using (batch)
        {
            using StepScope scope = StepScope.Begin();
            StepResult result;
            using (Tape.Autocast(options.Precision)) result = batch.Forward(options.LabelSmoothing);
            if (result.Predictions == 0) return 0;
            means.Add(result);
            result.Loss.Backward(options.Accumulation == 1 ? null : Tensor.Full(result.Loss.Shape, result.Predictions, result.Loss.Value.DType, Model.Device));
            return result.Predictions;
        }
    }

    void Update(long predictions)
    {
        using StepScope scope = StepScope.Begin();
        if (options.Accumulation > 1) Elementwise.MapInto(new Scale(1f / predictions), Arena.Gradients, Arena.Gradients);
        Optimizer.BeforeClipping();
        if (options.Clip is { } norm) Clipping.ByGlobalNorm(Arena, norm);
        StepReady?.Invoke(this);
        Optimizer.Step();
    }

    // The epoch counts as finished only when it has been measured: a run stopped in between measures when it is resumed.
    void FinishEpoch(int step, ProgressMeter meter, RunningMeans means, CancellationToken cancellation)
    {
        Measurement? measured;
        using (Tape.Autocast(options.Precision)) measured = Task.Validate(cancellation);
        if (measured is { Loss: var loss } && !double.IsFinite(loss)) throw Diverged("validation loss", loss, step);
        if (measured is not null && !(measured.Score <= BestScore)) (BestScore, BestEpoch, BestSummary) = (measured.Score, Epoch + 1, measured.Summary);
        Report(meter, means, step, measured);
        (Epoch, StepInEpoch) = (Epoch + 1, 0);

        // What the trace gives reason to warn of is looked for before its ring forgets the steps.
        _ = Optimizer.Projection?.Trace.Warnings;
        EpochFinished?.Invoke(this, measured);
    }

    void Report(ProgressMeter meter, RunningMeans means, int step, Measurement? validation = null) =>
        meter.Report(step, Epoch + 1, means.Loss, means.Accuracy, Optimizer.LearningRate, validation);

    void Read(RunningMeans means, int step)
    {
        if (!means.Read()) throw Diverged("loss", means.Loss, step);
    }

    GradientException Diverged(string what, double loss, int step) => new(FormattableString.Invariant(
        $"The {what} is {loss} at step {step}: lower the learning rate (it is {Optimizer.LearningRate:G3}), clip the gradient, or look for bad data."));
}

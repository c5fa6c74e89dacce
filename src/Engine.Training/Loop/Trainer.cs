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
public sealed class Trainer
{
    readonly TrainingOptions options;

    /// <summary>Puts the model's trainable parameters into an arena and makes the optimizer. The present weights become the anchors.</summary>
    /// <exception cref="ArgumentException">An option makes no sense, or nothing is left to train.</exception>
    public Trainer(VisionTransformer model, TrainingOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        (Model, this.options) = (model, options);
        foreach (string pattern in options.Freeze) model.Freeze(pattern);
        Parameter[] trainable = [.. model.Parameters.Where(parameter => parameter.Trainable)];
        if (trainable.Length == 0) throw new ArgumentException("Every parameter is frozen; nothing is left to train.");
        Arena = new ParameterArena(trainable);
        Optimizer = Create(Arena, options);
        model.Random = new RandomSource(options.Seed);
    }

    /// <summary>The model that is trained.</summary>
    public VisionTransformer Model { get; }

    /// <summary>The trainable parameters.</summary>
    public ParameterArena Arena { get; }

    /// <summary>The update rule with its state.</summary>
    public Optimizer Optimizer { get; }

    /// <summary>Epochs finished.</summary>
    public int Epoch { get; private set; }

    /// <summary>Called after every epoch, with the validation result where there is a validation set.</summary>
    public event Action<Trainer, ClassificationResult?>? EpochFinished;

    static Optimizer Create(ParameterArena arena, TrainingOptions options) => options.Optimizer switch
    {
        OptimizerKind.Sgd => new Sgd(arena, new SgdOptions
        {
            LearningRate = options.LearningRate, WeightDecay = options.WeightDecay, Momentum = 0.9, NoDecayForVectors = true,
        }),
        OptimizerKind.Adam => new Adam(arena, new AdamOptions
        {
            LearningRate = options.LearningRate, WeightDecay = options.WeightDecay, NoDecayForVectors = true,
        }),
        OptimizerKind.AdamW => new AdamW(arena, new AdamOptions
        {
            LearningRate = options.LearningRate, WeightDecay = options.WeightDecay, NoDecayForVectors = true,
        }),
        _ => new AdamSpd(arena, new AdamSpdOptions
        {
            LearningRate = options.LearningRate,
            Projection = new SelectiveProjectionOptions
            {
                Lambda = options.Lambda,
                Anchors = new AnchorOptions { Exclude = options.AnchorExclude },
                KeepTrace = options.KeepTrace,
            },
        }),
    };

    /// <summary>Trains for the epochs of the options.</summary>
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
        int steps = training.BatchCount * options.Epochs;
        Schedule schedule = Schedules.Of(options.Schedule, steps, options.WarmUpSteps(steps));
        ProgressMeter meter = new(phase, steps, options.Epochs, progress);
        RunningMeans means = new(Model.Device);
        while (Epoch < options.Epochs)
        {
            Model.Train();
            int step = Epoch * training.BatchCount;
            foreach (Batch batch in training.Epoch(Epoch, 0, cancellation))
            {
                cancellation.ThrowIfCancellationRequested();
                Optimizer.LearningRate = options.LearningRate * schedule.Factor(step++);
                using (batch) Step(batch, means);
                if (meter.Count(batch.Count)) Report(meter, means, step);
            }

            Epoch++;
            ClassificationResult? measured = validation is null ? null : Evaluator.Run(Model, validation, cancellation);
            if (measured is not null) Report(meter, means, step, measured);
            EpochFinished?.Invoke(this, measured);
        }
    }

    void Report(ProgressMeter meter, RunningMeans means, int step, ClassificationResult? validation = null)
    {
        (double loss, double accuracy) = means.Read();
        if (!double.IsFinite(loss))
            throw new GradientException($"The loss is {loss} at step {step}: lower the learning rate (it is {Optimizer.LearningRate:G3}), clip the gradient, or look for bad data.");
        meter.Report(step, Math.Min(Epoch + 1, options.Epochs), loss, accuracy, Optimizer.LearningRate, validation);
    }

    void Step(Batch batch, RunningMeans means)
    {
        using StepScope step = StepScope.Begin();
        (Tensor pixels, Tensor labels) = batch.ToTensors(Model.Device);
        Variable logits = Model.Forward(pixels);                                    // [B, classes]
        Variable loss = Functions.CrossEntropy(logits, labels, new CrossEntropyOptions(LabelSmoothing: options.LabelSmoothing));
        means.Add(loss.Value, logits.Value, labels);
        Optimizer.ZeroGradients();
        loss.Backward();
        if (options.Clip is { } norm) Clipping.ByGlobalNorm(Arena, norm);
        Optimizer.Step();
    }
}

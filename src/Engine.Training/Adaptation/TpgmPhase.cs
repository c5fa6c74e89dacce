using Engine.Optim;

namespace Engine.Training;

/// <summary>
/// TPGM around a training run: the radii are learned on held-out batches, once after training (200 iterations for CLIP in the paper) or every so many
/// steps (one iteration after each for ResNets), and the weights projected.
/// </summary>
/// <example><code>
/// TpgmPhase projection = new(trainer, heldOut, new());      // before training: the present weights are the anchors
/// trainer.Fit();
/// projection.Run(200);
/// </code></example>
public sealed class TpgmPhase
{
    readonly Trainer trainer;
    readonly TrainingTask heldOut;
    int epoch, batch;

    /// <summary>Takes the trainer's present weights as the anchors.</summary>
    /// <param name="trainer">What is trained; an optimizer with anchors of its own shares them.</param>
    /// <param name="heldOut">The same model on batches that it is not trained on.</param>
    /// <param name="options">Norm, rate, exclusions.</param>
    /// <exception cref="ArgumentException">The held-out task is of another model.</exception>
    public TpgmPhase(Trainer trainer, TrainingTask heldOut, TpgmOptions options)
    {
        ArgumentNullException.ThrowIfNull(trainer);
        ArgumentNullException.ThrowIfNull(heldOut);
        if (heldOut.Model != trainer.Model) throw new ArgumentException("TpgmPhase: the held-out task is of another model than the trainer's.");
        (this.trainer, this.heldOut) = (trainer, heldOut);
        Projection = new(trainer.Arena, options);
    }

    /// <summary>The radii.</summary>
    public Tpgm Projection { get; }

    /// <summary>From now on so many iterations after every so many steps of the trainer.</summary>
    public void RunEvery(int steps, int iterations, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        trainer.StepFinished += each =>
        {
            if (each.Optimizer.StepCount % steps == 0) Run(iterations, cancellation);
        };
    }

    /// <summary>Learns the radii on so many held-out batches and leaves the weights projected; the model ends in training mode if it was.</summary>
    public void Run(int iterations, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(iterations);
        bool wasTraining = trainer.Model.IsTraining;
        trainer.Model.Evaluate();
        Projection.Begin();
        try
        {
            while (iterations > 0)
            {
                foreach (TrainingBatch held in heldOut.Epoch(epoch, batch, cancellation))
                {
                    using (held) Projection.Iterate(() => held.Forward(0).Loss).Release();
                    batch++;
                    if (--iterations == 0) break;
                }

                if (batch >= heldOut.StepsPerEpoch) (epoch, batch) = (epoch + 1, 0);
            }
        }
        finally
        {
            Projection.Finish();
            if (wasTraining) trainer.Model.Train();
        }
    }
}

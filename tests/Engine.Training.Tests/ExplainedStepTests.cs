using Engine.Autograd;
using Engine.Models;

namespace Engine.Training.Tests;

public sealed class ExplainedStepTests
{
    const int First = 12, Last = 20;

    [Fact]
    public void The_double_step_agrees_with_the_engine_for_every_layer()
    {
        using DataFolder folder = new();
        Trainer trainer = Capture(folder);
        int selected = 0;
        foreach (ExplainedStep step in Steps(folder))
        {
            Assert.Contains(step.Layer, trainer.Arena.Segments.Select(segment => segment.Name));
            (StepNumbers exact, StepNumbers engine) = (step.Exact, step.Recorded);
            Assert.Equal(exact.Condition, engine.Condition, 1e-4 * exact.GradientNorm * exact.DeviationBefore);
            Assert.Equal(exact.DeviationBefore, engine.DeviationBefore, 1e-4 * exact.DeviationBefore);
            Assert.Equal(exact.Deviation, engine.Deviation, 1e-4 * exact.Deviation);
            Assert.Equal(exact.Ratio, engine.Ratio, 1e-4);
            Assert.InRange(step.LargestDifference, 0, 1e-5);
            if (exact.Scale > 0) selected++;
        }

        Assert.True(selected > 0, "No layer was projected: the test shows nothing.");
    }

    [Fact]
    public void Methods_from_the_same_state_stand_in_the_order_that_their_formulas_give()
    {
        using DataFolder folder = new();
        Capture(folder);
        ExplainedStep step = Steps(folder).First(step => step.Exact.Scale > 0);
        IReadOnlyList<Counterfactual> others = step.Counterfactuals();
        Counterfactual One(string method, string formula = "") => others.First(other => other.Method == method && other.Formula.StartsWith(formula, StringComparison.Ordinal));
        Assert.Equal(step.CandidateDeviation, One("Adam").Deviation, 1e-12);
        Assert.Equal(0.99 * step.CandidateDeviation, One("L2-SP, decoupled").Deviation, 1e-12);
        Assert.Equal(step.Exact.DeviationBefore, One("Adam-SPD", "lambda 1").Deviation, 1e-12);
        Assert.Equal(One("as it was").Deviation, One("always project").Deviation, 1e-12);
        Assert.Equal(One("Adam").Deviation, One("inverted condition").Deviation, 1e-12);
        Assert.True(One("Adam-SPD", "lambda 2").Deviation < One("Adam-SPD", "lambda 1").Deviation);
        Assert.True(One("Adam-SPD", "lambda 1").Deviation < One("Adam-SPD", "lambda 0.5").Deviation);
    }

    [Theory, InlineData(0.0), InlineData(0.5), InlineData(1.0)]
    public void One_weight_follows_the_formulas(double lambda)
    {
        (double w, double velocity) = (0, 0);
        int projected = 0;
        foreach (OneDimensionStep step in OneDimension.Run(32, lambda))
        {
            double gradient = w - 1;
            velocity = 0.9 * velocity + gradient;
            double u = w - 0.1 * velocity, condition = -gradient * w, ratio = condition < 0 ? Math.Clamp((Math.Abs(u) - Math.Abs(w)) / Math.Abs(u), 0, 1) : 0;
            w = u - lambda * ratio * u;
            Assert.Equal(condition, step.Condition, 1e-5);
            Assert.Equal(ratio, step.Ratio, 1e-5);
            Assert.Equal(u, step.Candidate, 1e-5);
            Assert.Equal(w, step.After, 1e-5);
            if (step.Projected) projected++;
        }

        Assert.Equal(lambda > 0, projected > 5);
    }

    [Fact]
    public void A_file_that_is_no_step_is_refused()
    {
        using DataFolder folder = new();
        string path = Path.Combine(folder.Path, "state.safetensors");
        TrainerSetup.Trainer(TrainerSetup.Options).SaveState(path);
        using SafeTensors file = SafeTensors.Open(path);
        Assert.Throws<CheckpointException>(() => ExplainedStep.Layers(file));
    }

    static IEnumerable<ExplainedStep> Steps(DataFolder folder)
    {
        for (int step = First; step <= Last; step++)
        {
            using SafeTensors file = SafeTensors.Open(StepCapture.FileOf(folder.Path, step));
            foreach (string layer in ExplainedStep.Layers(file)) yield return new(file, layer);
        }
    }

    static Trainer Capture(DataFolder folder)
    {
        // As if it had been loaded: what starts at random has no anchor.
        VisionTransformer model = TrainerSetup.Model();
        foreach (Parameter parameter in model.Parameters) parameter.IsFresh = false;
        Trainer trainer = TrainerSetup.Trainer(model, TrainerSetup.Options with { Epochs = 3, LearningRate = 1e-2, Schedule = ScheduleKind.Constant, WarmUp = 0 }, validates: false);
        StepCapture capture = new();
        trainer.StepReady += _ =>
        {
            if (trainer.Optimizer.StepCount + 1 is >= First and <= Last) capture.Begin(trainer);
        };
        trainer.StepFinished += _ =>
        {
            if (trainer.Optimizer.StepCount is >= First and <= Last) capture.Save(trainer, folder.Path);
        };
        trainer.Fit();
        return trainer;
    }
}

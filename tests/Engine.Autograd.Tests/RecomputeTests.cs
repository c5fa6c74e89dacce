using Engine.Tensors;
using static Engine.Autograd.Functions;

namespace Engine.Autograd.Tests;

public sealed class RecomputeTests
{
    const int Width = 24;

    readonly Device device = new("cpu", 0, new CpuBackend());

    Parameter Weight(ulong stream)
    {
        float[] values = new float[Width * Width];
        new Philox(1, stream).FillNormal(values);
        return new($"weight{stream}", Elementwise.Map(new Scale(0.2f), Tensor.From(values, [Width, Width], device)));
    }

    Variable Input(bool requiresGradient = true)
    {
        float[] values = new float[6 * Width];
        new Philox(2).FillNormal(values);
        return new(Tensor.From(values, [6, Width], device), requiresGradient);
    }

    static Variable Segment(Variable x, Parameter weight, RandomSource random) => x + Dropout(Linear(new Gelu(), x, weight), 0.3f, random.Next());

    // Three segments in a row; with what backward leaves in all leaves.
    float[][] Gradients(Func<Func<Variable, Variable>, Variable, Parameter, RandomSource, Variable> run, bool inputRequiresGradient = true, int frozen = 0, bool shared = false)
    {
        RandomSource random = new(7);
        Parameter[] weights = [Weight(0), shared ? Weight(0) : Weight(1), Weight(2)];
        if (shared) weights[1] = weights[0];
        for (int i = 0; i < frozen; i++) weights[i].Trainable = false;
        Variable start = Input(inputRequiresGradient), x = start;
        foreach (Parameter weight in weights) x = run(x => Segment(x, weight, random), x, weight, random);
        Mean(Square(Dropout(x, 0.1f, random.Next()))).Backward();
        return [.. weights.Append(start).Select(leaf => leaf.Gradient?.ToArray<float>() ?? []), [random.Position]];
    }

    static Variable Plain(Func<Variable, Variable> segment, Variable x, Parameter weight, RandomSource random) => segment(x);

    static Variable Again(Func<Variable, Variable> segment, Variable x, Parameter weight, RandomSource random) => Tape.Recompute(segment, x, [weight], random);

    [Fact]
    public void Gradients_have_the_same_bits_dropout_included()
    {
        float[][] plain = Gradients(Plain);
        Assert.All(plain, gradient => Assert.NotEmpty(gradient));
        Assert.Equal(plain, Gradients(Again));
        using StepScope scope = StepScope.Begin();
        Assert.Equal(plain, Gradients(Again));
    }

    [Fact]
    public void A_parameter_of_several_segments_collects_the_same_sum() => Assert.Equal(Gradients(Plain, shared: true), Gradients(Again, shared: true));

    // The first recorded segment has an input without a gradient; those below it record nothing.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Frozen_segments_below_stay_without_a_gradient(int frozen)
    {
        float[][] plain = Gradients(Plain, inputRequiresGradient: false, frozen), again = Gradients(Again, inputRequiresGradient: false, frozen);
        Assert.Equal(plain, again);
        Assert.Equal(frozen + 1, again.Count(gradient => gradient.Length == 0));
    }

    [Fact]
    public void Segments_within_segments_give_the_same_bits() => Assert.Equal(
        Gradients(Plain),
        Gradients((segment, x, weight, random) => Tape.Recompute(x => Tape.Recompute(segment, x, [weight], random), x, [weight], random)));

    [Fact]
    public void The_segment_runs_twice_and_the_numbers_after_it_are_those_that_would_have_come()
    {
        int runs = 0;
        RandomSource random = new(1);
        Parameter weight = Weight(0);
        Variable y = Tape.Recompute(x =>
        {
            runs++;
            return Segment(x, weight, random);
        }, Input(), [weight], random);
        random.Next();
        Assert.Equal((1, 2UL), (runs, random.Position));
        Sum(y).Backward();
        Assert.Equal((2, 2UL), (runs, random.Position));
    }

    [Fact]
    public void Backward_with_retain_can_be_repeated()
    {
        RandomSource random = new(1);
        Parameter weight = Weight(0);
        Variable loss = Mean(Square(Tape.Recompute(x => Segment(x, weight, random), Input(), [weight], random)));
        loss.Backward(retain: true);
        float[] once = weight.Gradient!.ToArray<float>();
        loss.Backward();
        Assert.Equal(once.Select(value => value + value), weight.Gradient.ToArray<float>());
    }

    [Fact]
    public void Nothing_is_recorded_where_nothing_is_trained()
    {
        Parameter weight = Weight(0);
        weight.Trainable = false;
        Assert.False(Tape.Recompute(x => Linear(x, weight), Input(requiresGradient: false), [weight]).RequiresGradient);
        using Tape.Pause pause = Tape.NoGradient();
        weight.Trainable = true;
        Assert.False(Tape.Recompute(x => Linear(x, weight), Input(), [weight]).RequiresGradient);
    }

    [Fact]
    public void A_result_from_outside_the_segment_is_refused()
    {
        Parameter weight = Weight(0);
        Variable input = Input(), outside = Linear(input, weight);
        Variable loss = Sum(Tape.Recompute(x => x * outside, input, [weight]));
        Assert.Contains("computed outside of it", Assert.Throws<GradientException>(() => loss.Backward()).Message);
    }

    // Kept: the inputs of the segments, and one segment's own while it is differentiated.
    [Fact]
    public void Memory_grows_by_the_inputs_alone()
    {
        double bytes = 6 * Width * sizeof(float), plain = Slope(Plain), again = Slope(Again);
        Assert.True(plain > 3.5 * bytes, $"{plain} bytes a segment, an input has {bytes}");
        Assert.True(again < 1.25 * bytes, $"{again} bytes a segment, an input has {bytes}");      // a piece of the pool is a little larger

        double Slope(Func<Func<Variable, Variable>, Variable, Parameter, RandomSource, Variable> run) => (Peak(run, 48) - Peak(run, 16)) / 32.0;

        long Peak(Func<Func<Variable, Variable>, Variable, Parameter, RandomSource, Variable> run, int depth)
        {
            Device own = new("cpu", 0, new CpuBackend());
            RandomSource random = new(7);
            Parameter weight = new("weight", Weight(0).Value.To(own));
            Variable x = new(Input().Value.To(own));
            using (StepScope.Begin()) Sum(Square(Linear(x, weight))).Backward();
            long before = own.Backend.Memory.Used;
            using StepScope scope = StepScope.Begin();
            for (int i = 0; i < depth; i++) x = run(x => Segment(x, weight, random), x, weight, random);
            Sum(Square(x)).Backward();
            return own.Backend.Memory.Peak - before;
        }
    }
}

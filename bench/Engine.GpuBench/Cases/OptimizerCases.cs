using Engine.Autograd;
using Engine.Optim;
using Engine.Tensors;

namespace Engine.GpuBench;

/// <summary>
/// An optimizer step over the parameters of a model, of one size each. Every eighth step the gradient turns round, on both
/// sides: so momentum carries layers on against it, and Adam-SPD has layers to project.
/// </summary>
static class OptimizerCases
{
    const int Tensors = 150, Period = 8;
    const float Rate = 1e-4f, Decay = 0.01f;

    public static IEnumerable<BenchCase> All(bool quick, bool processor)
    {
        int elements = (quick ? 5_700_000 : 86_000_000) / Tensors;
        yield return Create("adamw", elements, AdamW, "adamw", null);
        yield return Create("adam_spd against fused AdamW", elements, AdamSpd, "adamw", processor ? Bar.Milliseconds(30) : Bar.Ratio(1.3));
        yield return Create("adam_spd against the official formula", elements, AdamSpd, "adam_spd", processor ? null : Bar.Ratio(0.1));
    }

    static BenchCase Create(string name, int elements, Func<ParameterArena, Optimizer> optimizer, string peer, Bar? bar) => new(
        $"{name} {Tensors * (elements / 1e6):F1}M", device => Prepare(device, elements, optimizer), new(peer, "float32", [Tensors, elements, Period]), bar);

    static Optimizer AdamW(ParameterArena arena) => new AdamW(arena, new() { LearningRate = Rate, WeightDecay = Decay });

    static Optimizer AdamSpd(ParameterArena arena) => new AdamSpd(arena, new() { LearningRate = Rate });

    static Work Prepare(Device device, int elements, Func<ParameterArena, Optimizer> create)
    {
        Tensor[] weights = [.. Enumerable.Range(0, Tensors).Select(i => Normal(elements, i, 1, device))];
        Tensor gradient = Normal(elements, 0, 2, device);
        Run ours = new(weights, gradient, create), first = new([Comparison.OnCpu(weights[0])], Comparison.OnCpu(gradient), create);
        return new(ours.Step, () =>
        {
            for (int step = 0; step < Period + 3; step++)
            {
                ours.Step();
                first.Step();
            }

            // A step moves a weight by the learning rate: what it moved is compared, not the weight.
            return Comparison.Fault("what the first layer moved", Moved(ours), Moved(first), 1e-2);
        });

        Tensor Moved(Run run) => Elementwise.Map<Subtract>(Comparison.OnCpu(run.First), Comparison.OnCpu(weights[0]));
    }

    static Tensor Normal(int elements, int seed, ulong stream, Device device) =>
        RandomNumbers.Normal([elements], new Philox((ulong)seed, stream), deviation: 0.02f, device: device);

    /// <summary>Parameters with the same gradient, and their optimizer.</summary>
    sealed class Run
    {
        readonly ParameterArena arena;
        readonly Optimizer optimizer;
        readonly Parameter[] parameters;
        int step;

        public Run(IReadOnlyList<Tensor> weights, Tensor gradient, Func<ParameterArena, Optimizer> create)
        {
            parameters = [.. weights.Select((weight, i) => new Parameter($"w{i}", weight.Clone()) { IsFresh = false })];
            arena = new(parameters);
            optimizer = create(arena);
            foreach (Parameter parameter in parameters) parameter.Backward(gradient);
        }

        public Tensor First => parameters[0].Value;

        public void Step()
        {
            if (++step % Period == 0) Elementwise.MapInto(default(Negate), arena.Gradients, arena.Gradients);
            optimizer.Step();
        }
    }
}

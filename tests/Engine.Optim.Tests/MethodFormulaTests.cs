using Engine.Autograd;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Optim.Tests;

/// <summary>Methods that no fixture covers against loops over doubles, written from their formulas, on tensors of all odd shapes.</summary>
public sealed class MethodFormulaTests
{
    const double Rate = 0.05;
    const int Steps = 14;

    [Fact]
    public void DiGraP_takes_the_outward_component_off_the_gradient()
    {
        double largest = 0;
        Compare(arena => new DiGraP(arena, new() { LearningRate = Rate, OmegaLearningRate = 0.1 }), (layer, g) =>
        {
            double[] d = layer.Difference();
            double product = Dot(g, d), square = Dot(d, d), cosine = 0;
            if (layer.Extra is { } before && layer.Kept != 0)
            {
                // The direction of p' is that of d', with the sign of g' . d'.
                double norms = Math.Sqrt(Dot(before, before)) * Math.Sqrt(Dot(g, g));
                cosine = norms > 0 ? Math.Sign(layer.Kept) * Dot(g, before) / norms : 0;
            }

            layer.Omega = Math.Clamp(layer.Omega - layer.SmallAdam(cosine, 0.1), 0, 1);
            (layer.Kept, layer.Extra) = (product, d);
            largest = Math.Max(largest, layer.Omega);
            double share = product < 0 ? layer.Omega * product / square : 0;
            layer.Weight = layer.Adam([.. g.Select((value, i) => value - share * d[i])], Rate);
        });
        Assert.True(largest > 0.05, $"omega never passed {largest}: the test shows nothing.");
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Cautious_decay_acts_where_the_step_leads_the_same_way(bool towardAnchor) => Compare(
        arena => new CautiousAdamW(arena, new() { LearningRate = Rate, WeightDecay = 0.3, TowardAnchor = towardAnchor }), (layer, g) =>
        {
            double[] w = layer.Weight, u = layer.Adam(g, Rate);
            layer.Weight = [.. w.Select((value, i) =>
            {
                double excess = towardAnchor ? value - layer.Anchor[i] : value;
                return u[i] - ((value - u[i]) * excess >= 0 ? Rate * 0.3 * excess : 0);
            })];
        });

    [Fact]
    public void Decoupled_pull_follows_the_candidate_of_AMSGrad() => Compare(
        arena => new L2SpDecoupled(arena, new() { LearningRate = Rate, WeightDecay = 0.2, AmsGrad = true }), (layer, g) =>
        {
            double[] u = layer.Adam(g, Rate, amsGrad: true);
            layer.Weight = [.. u.Select((value, i) => value - 0.2 * (value - layer.Anchor[i]))];
        });

    [Theory]
    [InlineData(ProjectionGrain.Tensor, 0.0, true)]
    [InlineData(ProjectionGrain.Tensor, 0.6, false)]
    [InlineData(ProjectionGrain.RowRatio, 0.6, false)]
    [InlineData(ProjectionGrain.Row, 0.0, false)]
    [InlineData(ProjectionGrain.Row, 0.6, true)]
    public void Selective_projection_by_grain_and_running_mean(ProjectionGrain grain, double decay, bool amsGrad)
    {
        int projected = 0;
        Compare(arena => new AdamSpd(arena, new() { LearningRate = Rate, AmsGrad = amsGrad, Projection = new() { Lambda = 0.9, Grain = grain, ConditionDecay = decay } }), (layer, g) =>
        {
            double[] w = layer.Weight, before = layer.Difference(), u = layer.Adam(g, Rate, amsGrad);
            double[] result = [.. u];
            layer.Mean = decay * layer.Mean - (1 - decay) * Dot(g, before);
            foreach ((int start, int length) in layer.Rows(grain != ProjectionGrain.Tensor))
            {
                Range row = start..(start + length);
                double[] after = [.. u[row].Select((value, i) => value - layer.Anchor[start + i])];
                double mean = layer.Mean;
                if (grain == ProjectionGrain.Row) mean = layer.RowMeans[start] = decay * layer.RowMeans.GetValueOrDefault(start) - (1 - decay) * Dot(g[row], before[row]);
                if (mean >= 0) continue;
                double outer = Norm(after, grain), inner = Norm(before[row], grain), ratio = outer > 0 ? Math.Clamp((outer - inner) / outer, 0, 1) : 0;
                if (ratio > 0) projected++;
                for (int i = 0; i < length; i++) result[start + i] = u[start + i] - 0.9 * ratio * after[i];
            }

            layer.Weight = result;
        });
        Assert.True(projected > 20, $"Only {projected} projections: the test shows nothing.");
    }

    [Theory]
    [InlineData(ProjectionAblation.AlwaysProject)]
    [InlineData(ProjectionAblation.RatioWithoutCondition)]
    [InlineData(ProjectionAblation.ConditionWithoutRatio)]
    [InlineData(ProjectionAblation.InvertedCondition)]
    public void Ablations_leave_out_what_they_say(ProjectionAblation ablation) => Compare(
        arena => new AdamSpd(arena, new() { LearningRate = Rate, Projection = new() { Lambda = 0.3, Ablation = ablation } }), (layer, g) =>
        {
            double[] before = layer.Difference(), u = layer.Adam(g, Rate), after = [.. u.Select((value, i) => value - layer.Anchor[i])];
            double c = -Dot(g, before), outer = Math.Sqrt(Dot(after, after)), ratio = Math.Clamp((outer - Math.Sqrt(Dot(before, before))) / outer, 0, 1);
            double scale = ablation switch
            {
                ProjectionAblation.AlwaysProject => 1,
                ProjectionAblation.RatioWithoutCondition => ratio,
                ProjectionAblation.ConditionWithoutRatio => c < 0 ? 1 : 0,
                _ => c > 0 ? ratio : 0,
            };
            layer.Weight = [.. u.Select((value, i) => value - 0.3 * scale * after[i])];
        });

    [Fact]
    public void The_averaged_condition_is_that_of_the_first_moment() => Compare(
        arena => new AdamSpd(arena, new() { LearningRate = Rate, Projection = new() { Condition = ConditionGradient.Averaged } }), (layer, g) =>
        {
            double[] before = layer.Difference(), u = layer.Adam(g, Rate), after = [.. u.Select((value, i) => value - layer.Anchor[i])];
            double outer = Math.Sqrt(Dot(after, after)), ratio = Math.Clamp((outer - Math.Sqrt(Dot(before, before))) / outer, 0, 1);
            layer.Weight = -Dot(layer.First, before) < 0 ? [.. u.Select((value, i) => value - ratio * after[i])] : u;
        });

    [Fact]
    public void A_random_condition_falls_about_as_often_as_the_real_one()
    {
        Parameter[] parameters = TestModel.Create([.. Enumerable.Repeat(30, 40)]);
        AdamSpd optimizer = new(new(parameters), new() { LearningRate = Rate, Projection = new() { Ablation = ProjectionAblation.RandomCondition, Seed = 7 } });
        TestModel.Train(optimizer, parameters, 0, 60);
        SpdTraceRow[] rows = [.. optimizer.Projection.Trace];
        double real = rows.Count(row => row.Condition < 0), differ = rows.Count(row => row.Projected && row.Condition > 0);
        Assert.True(differ > 0.1 * real, $"{differ} projections where c was above 0, against {real} conditions");
        Assert.InRange(rows.Count(row => row.Projected) / real, 0.2, 1.2);       // a ratio of 0 projects nothing
    }

    static void Compare(Func<ParameterArena, Optimizer> create, Action<Layer, double[]> reference)
    {
        Parameter[] parameters = Methods.OddShapes();
        Layer[] layers = [.. parameters.Select(parameter => new Layer(parameter))];
        Optimizer optimizer = create(new(parameters));
        for (int step = 0; step < Steps; step++)
        {
            optimizer.ZeroGradients();
            TestModel.Differentiate(parameters, step);
            for (int i = 0; i < layers.Length; i++) reference(layers[i], parameters[i].Gradient!.To(DType.Float64).ToArray<double>());
            optimizer.Step();
            for (int i = 0; i < layers.Length; i++)
                TensorAssert.Close(parameters[i].Value, Tensor.From(layers[i].Weight, parameters[i].Shape), 5e-5, 5e-5, $"step {step}, {parameters[i].Name} {parameters[i].Shape}");
        }
    }

    static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }

    static double Norm(double[] values, ProjectionGrain grain) => grain == ProjectionGrain.Tensor ? Math.Sqrt(Dot(values, values)) : values.Sum(Math.Abs);

    /// <summary>One parameter in doubles.</summary>
    sealed class Layer(Parameter parameter)
    {
        readonly double[] second = new double[parameter.Value.ElementCount], largest = new double[parameter.Value.ElementCount];
        double smallFirst, smallSecond;
        int steps, smallSteps;

        public double[] Anchor { get; } = parameter.Value.To(DType.Float64).ToArray<double>();

        public double[] Weight { get; set; } = parameter.Value.To(DType.Float64).ToArray<double>();

        public double[] First { get; } = new double[parameter.Value.ElementCount];

        public double[]? Extra { get; set; }

        public double Kept { get; set; }

        public double Omega { get; set; }

        public double Mean { get; set; }

        public Dictionary<int, double> RowMeans { get; } = [];

        public double[] Difference() => [.. Weight.Select((value, i) => value - Anchor[i])];

        public IEnumerable<(int Start, int Length)> Rows(bool split)
        {
            int length = split && parameter.Rank > 1 ? Weight.Length / parameter.Shape[0] : Weight.Length;
            for (int start = 0; start < Weight.Length; start += length) yield return (start, length);
        }

        public double[] Adam(double[] gradient, double rate, bool amsGrad = false)
        {
            steps++;
            double[] result = new double[Weight.Length];
            for (int i = 0; i < result.Length; i++)
            {
                First[i] = 0.9 * First[i] + 0.1 * gradient[i];
                second[i] = 0.999 * second[i] + 0.001 * gradient[i] * gradient[i];
                largest[i] = Math.Max(largest[i], second[i]);
                double root = Math.Sqrt(amsGrad ? largest[i] : second[i]) / Math.Sqrt(1 - Math.Pow(0.999, steps));
                result[i] = Weight[i] - rate / (1 - Math.Pow(0.9, steps)) * First[i] / (root + 1e-8);
            }

            return result;
        }

        public double SmallAdam(double slope, double rate)
        {
            smallSteps++;
            smallFirst = 0.9 * smallFirst + 0.1 * slope;
            smallSecond = 0.999 * smallSecond + 0.001 * slope * slope;
            return rate / (1 - Math.Pow(0.9, smallSteps)) * smallFirst / (Math.Sqrt(smallSecond / (1 - Math.Pow(0.999, smallSteps))) + 1e-8);
        }
    }
}

using Engine.Autograd;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Optim.Tests;

/// <summary>Every case of the rivals' manifest: trajectories of the official FTP and TPGM code, and of the published formulas.</summary>
public sealed class RivalReferenceTests
{
    [Theory, FixtureData("rivals")]
    public void Follows_the_reference(FixtureCase which)
    {
        using Fixture reference = which.Open();
        if (reference.Has("param0." + Parameters(reference).FirstOrDefault())) Trajectory(reference);
        else if (reference.Config("norm", "") is { Length: > 0 } norm) Projected(reference, norm);
        else if (reference.Has("anchor")) Interpolated(reference);
        else if (reference.Has("scale")) Decayed(reference);
        else Assert.Fail($"No test knows what case '{reference.Name}' is.");
    }

    [Fact]
    public void The_manifest_is_whole() => Assert.True(Manifest.Of("rivals").Count >= 12);

    static string[] Parameters(Fixture reference) => reference.Config<string[]>("parameters", []);

    static Optimizer Create(Fixture reference, ParameterArena arena)
    {
        double[] betas = reference.Config<double[]>("betas", [0.9, 0.999]);
        AnchorOptions anchors = new() { Exclude = reference.Config<string[]>("exclude", []) };
        double rate = reference.Config<double>("lr"), decay = reference.Config("weight_decay", 0.0), epsilon = reference.Config("eps", 1e-8);
        bool amsGrad = reference.Config("amsgrad", false);
        return reference.Config<string>("method") switch
        {
            "FTP" => new AdamFtp(arena, new()
            {
                LearningRate = rate,
                WeightDecay = decay,
                BetaOne = betas[0],
                BetaTwo = betas[1],
                Epsilon = epsilon,
                AmsGrad = amsGrad,
                Annealing = reference.Config("k", 1.0),
                RadiusLearningRate = reference.Config("radius_lr", 0.01),
                Anchors = anchors,
                AllowMissingGradients = true,
            }),
            "MARS-SP" => new MarsSp(arena, new()
            {
                LearningRate = rate,
                WeightDecay = decay,
                BetaOne = betas[0],
                BetaTwo = betas[1],
                Epsilon = epsilon,
                AmsGrad = amsGrad,
                Radius = reference.Config<double>("radius"),
                Anchors = anchors,
                AllowMissingGradients = true,
            }),
            "L2-SP decoupled" => new L2SpDecoupled(arena, new()
            {
                LearningRate = rate,
                WeightDecay = decay,
                BetaOne = betas[0],
                BetaTwo = betas[1],
                Epsilon = epsilon,
                AmsGrad = amsGrad,
                Anchors = anchors,
                AllowMissingGradients = true,
            }),
            "SPD rows" => new AdamSpd(arena, new()
            {
                LearningRate = rate,
                BetaOne = betas[0],
                BetaTwo = betas[1],
                Epsilon = epsilon,
                AmsGrad = amsGrad,
                AllowMissingGradients = true,
                Projection = new() { Lambda = decay, Grain = ProjectionGrain.RowRatio, Anchors = anchors },
            }),
            "SGD-SPD" => new Sgd(arena, new()
            {
                LearningRate = rate,
                Momentum = reference.Config("momentum", 0.0),
                Dampening = reference.Config("dampening", 0.0),
                Nesterov = reference.Config("nesterov", false),
                AllowMissingGradients = true,
                Projection = new() { Lambda = decay, Anchors = anchors },
            }),
            string other => throw new InvalidOperationException($"{reference.Name} asks for the method '{other}', which this test does not know."),
        };
    }

    static void Trajectory(Fixture reference)
    {
        Parameter[] parameters = [.. Parameters(reference).Select(name => new Parameter(name, reference.Load($"param0.{name}")) { IsFresh = false })];
        Optimizer optimizer = Create(reference, new(parameters));
        for (int step = 0; step < reference.Config<int>("steps"); step++)
        {
            optimizer.ZeroGradients();
            foreach (Parameter parameter in parameters)
                if (reference.Has($"grad.{step}.{parameter.Name}")) parameter.Backward(reference.Load($"grad.{step}.{parameter.Name}"));
            optimizer.Step();
            foreach (Parameter parameter in parameters) Close(reference, parameter.Value, $"param.{step}.{parameter.Name}");
        }
    }

    // A small network of linear layers; the official code for ImageNet, which draws inner rows out to the radius.
    static void Projected(Fixture reference, string norm)
    {
        Parameter[] parameters = [.. Parameters(reference).Select(name => new Parameter(name, reference.Load($"anchor.{name}")) { IsFresh = false })];
        Tpgm tpgm = new(new(parameters), new()
        {
            Norm = norm == "l2_norm" ? TpgmNorm.L2 : TpgmNorm.Mars,
            RadiusLearningRate = reference.Config<double>("radius_lr"),
            KeepsInnerRows = false,
            Anchors = new() { Exclude = reference.Config<string[]>("exclude", []) },
        });
        foreach (Parameter parameter in parameters) parameter.Load(reference.Load($"finetuned.{parameter.Name}"));
        tpgm.Begin();
        for (int i = 0; i < reference.Config<int>("iterations"); i++)
        {
            Tensor loss = tpgm.Iterate(() => Loss(reference, parameters, i));
            Close(reference, loss.Reshape(1), $"loss.{i}");
            CloseRadii(reference, tpgm, i);
        }

        tpgm.Finish();
        foreach (Parameter parameter in parameters) Close(reference, parameter.Value, $"projected.{parameter.Name}");
    }

    // The reference's radii are not yet clipped to the largest norm, which ours are at once; it clips them at their next use.
    static void CloseRadii(Fixture reference, Tpgm tpgm, int iteration)
    {
        float[] theirs = reference.Load($"radius.{iteration}").ToArray<float>(), ours = tpgm.Radii();
        for (int i = 0; i < theirs.Length; i++)
        {
            Assert.True(ours[i] <= theirs[i] + reference.AbsoluteTolerance + reference.RelativeTolerance * Math.Abs(theirs[i]) || ours[i] <= 1.1e-8, $"{reference.Name}: radius.{iteration}[{i}]: {ours[i]} above {theirs[i]}");
            theirs[i] = Math.Max(theirs[i], 1e-8f);
        }

        string[] names = Parameters(reference);
        for (int i = 0; i < names.Length; i++)
        {
            Tensor difference = Elementwise.Map<Subtract>(reference.Load($"finetuned.{names[i]}"), reference.Load($"anchor.{names[i]}"));
            double[] rows = [.. RowNorms(difference, reference.Config<string>("norm") == "l2_norm")];
            theirs[i] = Math.Min(theirs[i], (float)rows.Max());
        }

        TensorAssert.Close(Tensor.From(ours, [ours.Length]), Tensor.From(theirs, [theirs.Length]), reference.RelativeTolerance, reference.AbsoluteTolerance, $"{reference.Name}: radius.{iteration}");
    }

    static IEnumerable<double> RowNorms(Tensor difference, bool isSquared)
    {
        double[] values = difference.To(DType.Float64).ToArray<double>();
        if (isSquared) return [Math.Sqrt(values.Sum(value => value * value))];
        int length = difference.Rank > 1 ? values.Length / difference.Shape[0] : values.Length;
        return values.Chunk(length).Select(row => row.Sum(Math.Abs));
    }

    static Variable Loss(Fixture reference, Parameter[] parameters, int batch)
    {
        Variable x = new(reference.Load($"batch.{batch}.x"));
        for (int layer = 0; layer < parameters.Length; layer += 2)
        {
            x = Functions.Linear(x, parameters[layer], parameters[layer + 1]);
            if (layer + 2 < parameters.Length) x = Functions.Tanh(x);
        }

        return Functions.CrossEntropy(x, reference.Load($"batch.{batch}.y").To(DType.Int32));
    }

    static void Interpolated(Fixture reference)
    {
        Parameter weight = new("weight", reference.Load("finetuned")) { IsFresh = false };
        WiseFt between = new([weight], new Dictionary<string, Tensor> { ["weight"] = reference.Load("anchor") });
        double[] alphas = reference.Config<double[]>("alphas");
        IReadOnlyList<(double Alpha, Tensor Result)> curve = between.Curve(alphas, weight.Value.Clone);
        for (int i = 0; i < alphas.Length; i++) Close(reference, curve[i].Result, $"out.{i}");
        TensorAssert.SameBits(weight.Value, reference.Load("finetuned"), "after the curve");
    }

    static void Decayed(Fixture reference)
    {
        int depth = reference.Config<int>("depth");
        double decay = reference.Config<double>("decay"), minimum = reference.Config("min_scale", 0.0);
        string[] names = ["patch_embed.weight", .. Enumerable.Range(0, depth).Select(block => $"blocks.{block}.attn.weight"), "head.weight"];
        IReadOnlyList<ParameterGroup> groups = LayerDecay.Groups(names.Select(name => new Parameter(name, Tensor.Zeros([2]))), decay, minimum);
        Close(reference, Tensor.From([.. groups.Select(group => (float)group.LearningRateScale)], [groups.Count]), "scale");
    }

    static void Close(Fixture reference, Tensor ours, string name) =>
        TensorAssert.Close(ours, reference.Load(name), reference.RelativeTolerance, reference.AbsoluteTolerance, $"{reference.Name}: {name}");
}

using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Optim.Tests;

public sealed class OptimizerTests
{
    public static TheoryData<string> Kinds => [.. Methods.Kinds];

    static Optimizer Create(string kind, ParameterArena arena, bool allowMissing = false) => Methods.Create(kind, arena, allowMissing);

    [Theory, MemberData(nameof(Kinds))]
    public void Bits_do_not_depend_on_the_number_of_threads(string kind)
    {
        float[] expected = Run(1);
        int threads = ThreadTeam.Threads;
        try
        {
            foreach (int count in new[] { 2, 3, 7 })
            {
                ThreadTeam.Threads = count;
                Assert.True(expected.AsSpan().SequenceEqual(Run(count)), $"{kind} with {count} threads differs from one.");
            }
        }
        finally
        {
            ThreadTeam.Threads = threads;
        }

        float[] Run(int threadCount)
        {
            ThreadTeam.Threads = threadCount;
            Parameter[] parameters = TestModel.Create([.. TestModel.AwkwardSizes, 100_003]);
            Optimizer optimizer = Create(kind, new(parameters));
            TestModel.Train(optimizer, parameters, 0, 6);
            return TestModel.Weights(optimizer.Arena);
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Resuming_goes_on_bit_by_bit(string kind)
    {
        Parameter[] straight = TestModel.Create(TestModel.AwkwardSizes);
        Optimizer uninterrupted = Create(kind, new(straight));
        TestModel.Train(uninterrupted, straight, 0, 12);

        Parameter[] first = TestModel.Create(TestModel.AwkwardSizes);
        Optimizer before = Create(kind, new(first));
        TestModel.Train(before, first, 0, 5);
        before.LearningRate *= 1;
        Dictionary<string, Tensor> saved = before.SaveState().ToDictionary(item => item.Key, item => item.Value.Clone());
        Tensor[] weights = [.. first.Select(parameter => parameter.Value.Clone())];
        TestModel.Train(before, first, 5, 7);           // what was saved does not follow

        Parameter[] second = TestModel.Create(TestModel.AwkwardSizes);
        for (int i = 0; i < second.Length; i++) second[i].Load(weights[i]);
        Optimizer after = Create(kind, new(second));
        after.LearningRate = 123;                       // comes from the state
        after.LoadState(saved);
        Assert.Equal(5, after.StepCount);
        TestModel.Train(after, second, 5, 12);

        Assert.Equal(TestModel.Weights(uninterrupted.Arena), TestModel.Weights(after.Arena));
        for (int i = 0; i < after.States.Count; i++)
            Assert.Equal(uninterrupted.States[i].ToArray<float>(), after.States[i].ToArray<float>());
        Assert.Equal(uninterrupted.StepCount, after.StepCount);
    }

    [Fact]
    public void A_state_that_does_not_fit_changes_nothing_and_says_why()
    {
        Parameter[] parameters = TestModel.Create(8, 8), other = TestModel.Create(8, 9), renamed = TestModel.Create(8, 8);
        renamed[1].Name = "elsewhere";
        Adam adam = new(new(parameters), new());
        TestModel.Train(adam, parameters, 0, 2);
        float[] moments = adam.States[0].ToArray<float>();

        Assert.Contains("'steps.layers.1.weight' is absent", Fails(new Adam(new(renamed), new())));
        Assert.Contains("[9], Float32 [8] expected", Fails(new Adam(new(other), new())));
        Assert.Contains("is unknown", Fails(new Adam(new(TestModel.Create(8, 8)), new() { AmsGrad = true })));
        Assert.Contains("'second.layers.0.weight' is absent", Fails(new Sgd(new(TestModel.Create(8, 8)), new() { Momentum = 0.9 })));
        Assert.Equal(moments, adam.States[0].ToArray<float>());
        Assert.Equal(2, adam.StepCount);

        string Fails(Optimizer from) => Assert.Throws<ArgumentException>(() => adam.LoadState(from.SaveState())).Message;
    }

    [Theory, MemberData(nameof(Kinds))]
    public void A_parameter_without_gradient_is_left_as_it_is(string kind)
    {
        Parameter[] parameters = TestModel.Create(33, 5000, 40);
        Optimizer optimizer = Create(kind, new(parameters), allowMissing: true);
        TestModel.Train(optimizer, parameters, 0, 3);
        ArenaSegment segment = optimizer.Arena.Segments[1];
        float[] weights = parameters[1].Value.ToArray<float>();
        float[][] states = [.. optimizer.States.Select(state => optimizer.Arena.View(state, segment).ToArray<float>())];
        float[] others = Everything();

        TestModel.Differentiate(parameters, 3);
        parameters[1].ZeroGradient();
        optimizer.Step();

        Assert.Equal(weights, parameters[1].Value.ToArray<float>());
        for (int i = 0; i < states.Length; i++)
            Assert.Equal(states[i], optimizer.Arena.View(optimizer.States[i], segment).ToArray<float>());
        Assert.Equal(3, optimizer.StepsOf(segment));
        Assert.Equal(4, optimizer.StepsOf(optimizer.Arena.Segments[2]));
        Assert.NotEqual(others, Everything());

        // FTP may hold a weight where it is; its states move all the same.
        float[] Everything() => [.. parameters[2].Value.ToArray<float>(), .. optimizer.States.SelectMany(state => optimizer.Arena.View(state, optimizer.Arena.Segments[2]).ToArray<float>())];
    }

    [Fact]
    public void A_missing_gradient_is_an_error_that_names_it()
    {
        Parameter[] parameters = TestModel.Create(4, 4, 4, 4, 4);
        Adam adam = new(new(parameters), new());
        float[] weights = TestModel.Weights(adam.Arena);
        parameters[0].Backward(Tensor.Ones([4]));
        string message = Assert.Throws<InvalidOperationException>(adam.Step).Message;
        Assert.StartsWith("Step: 4 of 5 parameters have no gradient: layers.1.weight, layers.2.weight, layers.3.weight, ...", message);
        Assert.DoesNotContain('\n', message);
        Assert.Equal(weights, TestModel.Weights(adam.Arena));
        Assert.Equal(0, adam.StepCount);
    }

    [Fact]
    public void A_parameter_that_left_the_arena_is_an_error()
    {
        Parameter[] parameters = TestModel.Create(4, 4);
        Adam adam = new(new(parameters), new());
        TestModel.Differentiate(parameters, 0);
        _ = new ParameterArena([parameters[1]]);
        Assert.Contains("'layers.1.weight' was moved", Assert.Throws<InvalidOperationException>(adam.Step).Message);
    }

    [Fact]
    public void Groups_scale_the_rate_and_bring_their_own_decay()
    {
        Parameter[] parameters = [.. Enumerable.Range(0, 3).Select(i => new Parameter($"w{i}", Tensor.Full([2, 2], 1)))];
        ParameterArena arena = new([
            new ParameterGroup("early", [parameters[0]]) { LearningRateScale = 0.5 },
            new ParameterGroup("decayed", [parameters[1]]) { WeightDecay = 1 },
            new ParameterGroup("plain", [parameters[2]]),
        ]);
        Sgd sgd = new(arena, new() { LearningRate = 0.1 });
        foreach (Parameter parameter in parameters) parameter.Backward(Tensor.Ones([2, 2]));
        sgd.Step();
        Assert.Equal([0.95f, 0.8f, 0.9f], parameters.Select(parameter => parameter.Value.ToArray<float>()[3]));

        arena.Groups[0].LearningRateScale = 0;
        sgd.LearningRate = 0.5;
        sgd.Step();
        Assert.Equal(0.95f, parameters[0].Value.ToArray<float>()[0]);
        Assert.Equal(0.4f, parameters[2].Value.ToArray<float>()[0], 1e-6f);
    }

    [Fact]
    public void Vectors_may_go_without_decay()
    {
        Parameter matrix = new("matrix", Tensor.Ones([2, 2])), vector = new("vector", Tensor.Ones([4])), scalar = new("scalar", Tensor.Scalar(1));
        Sgd sgd = new(new([matrix, vector, scalar]), new() { LearningRate = 0.5, WeightDecay = 0.5, NoDecayForVectors = true });
        foreach (Parameter parameter in new[] { matrix, vector, scalar }) parameter.Backward(Tensor.Zeros(parameter.Shape));
        sgd.Step();
        Assert.All(matrix.Value.ToArray<float>(), value => Assert.Equal(0.75f, value));
        Assert.All(vector.Value.ToArray<float>(), value => Assert.Equal(1, value));
        Assert.Equal(1, scalar.Value.Item());
    }

    [Fact]
    public void L2Sp_decays_parameters_without_an_anchor_to_zero()
    {
        Parameter[] parameters = TestModel.Create(16, 16);
        parameters[1].IsFresh = true;
        L2Sp optimizer = new(new(parameters), new() { LearningRate = 1e-3, WeightDecay = 10, HeadDecay = 1 });
        float[] before = TestModel.Weights(optimizer.Arena);
        foreach (Parameter parameter in parameters) parameter.Backward(Tensor.Zeros([16]));
        optimizer.Step();
        Assert.Equal(before[..16], parameters[0].Value.ToArray<float>());       // at its anchor: no pull
        float[] head = parameters[1].Value.ToArray<float>();
        for (int i = 0; i < 16; i++) Assert.True(Math.Abs(head[i]) < Math.Abs(before[64 + i]));
    }

    [Fact]
    public void Settings_out_of_range_are_refused()
    {
        ParameterArena arena = new(TestModel.Create(4));
        Assert.Throws<ArgumentException>(() => new Sgd(arena, new() { LearningRate = -1 }));
        Assert.Throws<ArgumentException>(() => new Sgd(arena, new() { Momentum = 1 }));
        Assert.Throws<ArgumentException>(() => new Sgd(arena, new() { Nesterov = true }));
        Assert.Throws<ArgumentException>(() => new Sgd(arena, new() { WeightDecay = double.NaN }));
        Assert.Throws<ArgumentException>(() => new Adam(arena, new() { BetaTwo = 1 }));
        Assert.Throws<ArgumentException>(() => new Adam(arena, new() { BetaOne = -0.1 }));
        Assert.Throws<ArgumentException>(() => new Adam(arena, new() { Epsilon = -1 }));
        Assert.Throws<ArgumentException>(() => new L2Sp(arena, new() { HeadDecay = -1 }));
    }
}

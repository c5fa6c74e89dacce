using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Optim.Tests;

public sealed class ParameterArenaTests
{
    [Fact]
    public void Segments_start_at_multiples_of_64_and_do_not_overlap()
    {
        ParameterArena arena = new(TestModel.Create(TestModel.AwkwardSizes));
        int end = 0;
        foreach (ArenaSegment segment in arena.Segments)
        {
            Assert.Equal(0, segment.First % 64);
            Assert.True(segment.First >= end && segment.First < end + 64);
            end = segment.First + segment.Length;
        }

        Assert.True(arena.Length >= end);
    }

    [Fact]
    public void Parameters_keep_their_values_and_gradients_and_become_views()
    {
        Parameter[] parameters = TestModel.Create(70, 5);
        float[] values = parameters[1].Value.ToArray<float>();
        Tensor gradient = TestModel.Draw(1, 5, 1);
        parameters[1].Backward(gradient);

        ParameterArena arena = new(parameters);

        Assert.Equal(values, parameters[1].Value.ToArray<float>());
        Assert.Equal(gradient.ToArray<float>(), parameters[1].Gradient!.ToArray<float>());
        Assert.True(parameters[1].HasGradient);
        Assert.Same(arena.Weights.Storage, parameters[1].Value.Storage);
        Assert.Same(arena.Gradients.Storage, parameters[1].Gradient!.Storage);
        parameters[1].Value.CopyFrom<float>([1, 2, 3, 4, 5]);
        Assert.Equal([1f, 2, 3, 4, 5], arena.Weights.ToArray<float>().AsSpan(128, 5));
    }

    [Fact]
    public void Shapes_survive_down_to_a_single_number_and_to_none()
    {
        Parameter scalar = new("scalar", Tensor.Scalar(3)), matrix = new("matrix", Tensor.Ones([3, 5])), empty = new("empty", Tensor.Zeros([0, 4]));
        ParameterArena arena = new([scalar, empty, matrix]);
        Assert.Equal(0, scalar.Rank);
        Assert.Equal(3, scalar.Value.Item());
        Assert.Equal(new Shape[] { [], [0, 4], [3, 5] }, arena.Segments.Select(segment => segment.Parameter.Value.Shape));
        foreach (Parameter parameter in new[] { scalar, empty, matrix }) parameter.Backward(Tensor.Ones(parameter.Shape));
        new Sgd(arena, new() { LearningRate = 1 }).Step();
        Assert.Equal(2, scalar.Value.Item());
        Assert.All(matrix.Value.ToArray<float>(), value => Assert.Equal(0, value));
    }

    [Fact]
    public void Frozen_parameters_stay_outside()
    {
        Parameter[] parameters = TestModel.Create(4, 4, 4);
        parameters[1].Trainable = false;
        ParameterArena arena = new(parameters);
        Assert.Equal([parameters[0], parameters[2]], arena.Segments.Select(segment => segment.Parameter));
        Assert.NotSame(arena.Weights.Storage, parameters[1].Value.Storage);
    }

    [Fact]
    public void Refuses_what_cannot_be_laid_out()
    {
        Parameter[] parameters = TestModel.Create(4, 4);
        Assert.Contains("'layers.0.weight' occurs twice", Assert.Throws<ArgumentException>(() => new ParameterArena([parameters[0], parameters[0]])).Message);
        Assert.Contains("Float64", Assert.Throws<ArgumentException>(() => new ParameterArena([new Parameter("w", Tensor.Ones([2], DType.Float64))])).Message);
        parameters[0].Trainable = false;
        Assert.Contains("no parameter is trainable", Assert.Throws<ArgumentException>(() => new ParameterArena([parameters[0]])).Message);
    }

    [Fact]
    public void Anchors_are_the_loaded_weights_and_zero_where_there_are_none()
    {
        Parameter[] parameters = TestModel.Create(9, 9, 9, 9);
        parameters[1].ZeroAnchor = true;
        parameters[2].IsFresh = true;
        parameters[3].Name = "head.weight";
        ParameterArena arena = new(parameters);

        arena.Anchor(new() { Exclude = ["head.*"] });

        Assert.Equal([true, true, false, false], arena.Segments.Select(segment => segment.IsAnchored));
        Assert.Equal(parameters[0].Value.ToArray<float>(), AnchorOf(0));
        for (int i = 1; i < 4; i++) Assert.All(AnchorOf(i), value => Assert.Equal(0, value));

        parameters[0].Value.CopyFrom<float>(new float[9]);
        Assert.NotEqual(parameters[0].Value.ToArray<float>(), AnchorOf(0));
        arena.ReAnchor();
        Assert.Equal(parameters[0].Value.ToArray<float>(), AnchorOf(0));
        Assert.False(arena.Segments[3].IsAnchored);

        arena.Anchor(new() { IncludeFresh = true });
        Assert.True(arena.Segments[2].IsAnchored);
        Assert.Equal(parameters[2].Value.ToArray<float>(), AnchorOf(2));

        float[] AnchorOf(int i) => arena.View(arena.Anchors!, arena.Segments[i]).ToArray<float>();
    }

    [Theory]
    [InlineData("head.*", "head.weight", true)]
    [InlineData("head.*", "blocks.head.weight", false)]
    [InlineData("*.bias", "blocks.0.attn.qkv.bias", true)]
    [InlineData("blocks.?.norm*", "blocks.3.norm1.weight", true)]
    [InlineData("blocks.?.norm*", "blocks.10.norm1.weight", false)]
    [InlineData("head.weight", "head_weight", false)]
    public void Exclude_patterns_know_stars_and_question_marks(string pattern, string name, bool excluded)
    {
        Parameter parameter = new(name, Tensor.Ones([2])) { IsFresh = false }, other = new("zz", Tensor.Ones([2])) { IsFresh = false };
        ParameterArena arena = new([parameter, other]);
        if (excluded) arena.Anchor(new() { Exclude = [pattern] });
        else Assert.Contains(pattern, Assert.Throws<ArgumentException>(() => arena.Anchor(new() { Exclude = [pattern] })).Message);
        if (excluded) Assert.Equal([false, true], arena.Segments.Select(segment => segment.IsAnchored));
    }

    [Fact]
    public void Survives_the_step_scope_it_was_made_in()
    {
        Parameter[] parameters = TestModel.Create(9);
        AdamSpd optimizer;
        using (StepScope.Begin()) optimizer = new(new(parameters), new());
        using (StepScope.Begin()) TestModel.Train(optimizer, parameters, 0, 2);
        Assert.All(TestModel.Weights(optimizer.Arena), value => Assert.True(float.IsFinite(value)));
        Assert.Equal(2, optimizer.Projection.Trace.StepCount);
    }
}

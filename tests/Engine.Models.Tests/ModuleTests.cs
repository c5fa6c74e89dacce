using Engine.Autograd;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Models.Tests;

public sealed class ModuleTests
{
    sealed class Pair(ModuleScope at, int width) : Module(at)
    {
        public Linear First { get; } = new(at / "first", width, width);

        public Linear Second { get; } = new(at / "second", width, width, bias: false);

        public Variable Forward(Variable x) => Second.Forward(First.Forward(x, Activation.Gelu));
    }

    sealed class Twice(ModuleScope at) : Module(at)
    {
        readonly Parameter[] twice = [at.Parameter("w", [1], InitialValues.Zeros), at.Parameter("w", [2], InitialValues.Zeros)];

        public int Count => twice.Length;
    }

    sealed class Clash(ModuleScope at) : Module(at)
    {
        public LayerNorm Norm { get; } = new(at, 4);               // the place of the module itself
    }

    sealed class LowRank(ModuleScope at, Linear layer) : LinearAdapter(at, layer)
    {
        readonly Linear down = new(at / "down", layer.Inputs, 2, bias: false);
        readonly Linear up = new(at / "up", 2, layer.Outputs, bias: false);

        public override Variable Forward(Variable x) => Functions.Linear(x, Layer.Weight, Layer.Bias) + up.Forward(down.Forward(x));
    }

    [Fact]
    public void Building_a_module_enters_its_parameters_under_their_full_names_in_order()
    {
        Pair pair = new(ModuleScope.Root() / "pairs" / 3, 4);
        Assert.Equal(["pairs.3.first.weight", "pairs.3.first.bias", "pairs.3.second.weight"], pair.Parameters.Select(parameter => parameter.Name));
        Assert.Equal(4 * 4 + 4 + 4 * 4, pair.ParameterCount);
        Assert.Same(pair.First.Bias, pair["first.bias"]);
        Assert.Equal(["first", "second"], pair.Modules.Keys);
        Assert.Same(pair.Second, pair.Find<Linear>("second"));
        Assert.Equal("pairs.3.second", pair.Second.Path);
    }

    [Fact]
    public void A_name_that_is_not_there_is_refused_by_name()
    {
        Pair pair = new(ModuleScope.Root(), 4);
        Assert.Contains("'first.gamma'", Assert.Throws<KeyNotFoundException>(() => pair["first.gamma"]).Message, StringComparison.Ordinal);
        Assert.Contains("LayerNorm is named 'first'", Assert.Throws<KeyNotFoundException>(() => pair.Find<LayerNorm>("first")).Message, StringComparison.Ordinal);
        Assert.False(pair.TryFind("third", out Linear? _));
    }

    [Fact]
    public void Two_of_one_name_are_refused()
    {
        Assert.Contains("'w' of [1]", Assert.Throws<ArgumentException>(() => new Twice(ModuleScope.Root())).Message, StringComparison.Ordinal);
        Assert.Contains("'x' is a LayerNorm already", Assert.Throws<ArgumentException>(() => new Clash(ModuleScope.Root() / "x")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Patterns_freeze_and_unfreeze()
    {
        VisionTransformer model = new(ModelFixtures.Small with { Depth = 3 });
        model.Freeze("*");
        Assert.DoesNotContain(model.Parameters, parameter => parameter.Trainable);
        Assert.False(model.IsTrainable);
        model.Unfreeze("head.*", "blocks.?.norm1.weight");
        Assert.Equal(
            ["blocks.0.norm1.weight", "blocks.1.norm1.weight", "blocks.2.norm1.weight", "head.weight", "head.bias"],
            model.Parameters.Where(parameter => parameter.Trainable).Select(parameter => parameter.Name));
        model.Find<VitBlock>("blocks.1").Freeze("norm1.*");
        Assert.False(model["blocks.1.norm1.weight"].Trainable);
        Assert.True(model["blocks.2.norm1.weight"].Trainable);
    }

    [Fact]
    public void A_pattern_that_matches_nothing_is_an_error_and_changes_nothing()
    {
        Pair pair = new(ModuleScope.Root(), 4);
        ArgumentException refusal = Assert.Throws<ArgumentException>(() => pair.Freeze("first.*", "thrid.*"));
        Assert.Equal("Pattern 'thrid.*' matches no parameter of the model; it has 3, from 'first.weight' to 'second.weight'.", refusal.Message);
        Assert.All(pair.Parameters, parameter => Assert.True(parameter.Trainable));
    }

    [Fact]
    public void The_mode_is_the_trees()
    {
        Pair pair = new(ModuleScope.Root(), 4);
        Assert.False(pair.First.IsTraining);
        pair.Second.Train();
        Assert.True(pair.IsTraining && pair.First.IsTraining);
        pair.Evaluate();
        Assert.False(pair.Second.IsTraining);
    }

    [Fact]
    public void A_source_fills_the_parameters_it_knows_and_leaves_the_others_fresh()
    {
        ModuleScope at = ModuleScope.Root(source: (name, shape) => name == "first.bias" ? Tensor.Full(shape, 3, DType.Float64) : null);
        Pair pair = new(at, 4);
        Assert.Equal([3, 3, 3, 3], pair["first.bias"].Value.ToArray<float>());
        Assert.Equal([true, false, true], pair.Parameters.Select(parameter => parameter.IsFresh));
        Assert.Contains("first.weight is [4, 4]", Assert.Throws<ShapeException>(
            () => new Pair(ModuleScope.Root(source: (_, _) => Tensor.Zeros([2])), 4)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_initialisation_nothing_is_drawn()
    {
        Pair pair = new(ModuleScope.Root(initialize: false), 4);
        Assert.Equal(0UL, pair.Random.Position);
        Assert.All(pair["first.weight"].Value.ToArray<float>(), value => Assert.Equal(0, value));
        Assert.All(pair.Parameters, parameter => Assert.True(parameter.IsFresh));
    }

    [Fact]
    public void An_adapter_attached_to_a_linear_layer_is_part_of_the_model_and_of_its_result()
    {
        using StepScope step = StepScope.Begin();
        Pair pair = new(ModuleScope.Root(seed: 9), 4);
        Tensor x = RandomNumbers.Normal([3, 4], new Philox(2));
        Tensor before = pair.First.Forward(x, Activation.Gelu).Value;
        LowRank adapter = new(pair.First.At / "adapter", pair.First);
        pair.First.Adapter = adapter;

        Assert.Contains("first.adapter.down.weight", pair.Parameters.Select(parameter => parameter.Name));
        Variable expected = Functions.Gelu(adapter.Forward(x));
        Variable adapted = pair.First.Forward(x, Activation.Gelu);
        TensorAssert.Close(adapted.Value, expected.Value, 1e-5, 1e-6, "adapted");
        Assert.NotEqual(before.ToArray<float>(), adapted.Value.ToArray<float>());
        Functions.Sum(adapted).Backward();
        Assert.True(pair["first.adapter.up.weight"].HasGradient);
    }

    [Fact]
    public void Parameters_outlive_the_step_in_which_the_model_was_built()
    {
        Pair pair;
        using (StepScope.Begin()) pair = new(ModuleScope.Root(), 4);
        Assert.Equal(4, pair["first.bias"].Value.ToArray<float>().Length);
    }
}

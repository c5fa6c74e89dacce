using Engine.Tensors;
using static Engine.Autograd.Functions;

namespace Engine.Autograd.Tests;

public sealed class TapeTests
{
    static Variable Leaf(params float[] values) => new(Tensor.From(values, [values.Length]), requiresGradient: true);

    static float[] GradientOf(Variable variable) => variable.Gradient!.ToArray<float>();

    [Fact]
    public void A_variable_used_twice_receives_the_sum()
    {
        Variable x = Leaf(3, -1);
        Sum(x * x).Backward();
        Assert.Equal([6, -2], GradientOf(x));
    }

    [Fact]
    public void A_result_used_three_times_receives_the_sum()
    {
        Variable x = Leaf(3, -1);
        Variable y = 2 * x;
        Sum(y + y * y + y).Backward();
        Assert.Equal([28, -4], GradientOf(x));
    }

    [Fact]
    public void One_gradient_handed_to_both_inputs_is_not_changed_for_either()
    {
        Variable a = Leaf(1, 2), b = Leaf(3, 4);
        Variable left = 2 * a, right = 3 * b;
        Variable sum = left + right;        // hands the same tensor to left and right,
        Sum(sum + 5 * left).Backward();     // and left has more to come
        Assert.Equal([12, 12], GradientOf(a));
        Assert.Equal([3, 3], GradientOf(b));
    }

    [Fact]
    public void Several_backward_passes_add_up()
    {
        Variable x = Leaf(3, -1);
        Sum(x * x).Backward();
        Sum(4 * x).Backward();
        Assert.Equal([10, 2], GradientOf(x));
    }

    [Fact]
    public void A_parameter_adds_up_until_its_gradient_is_zeroed()
    {
        Parameter x = new("x", Tensor.From([3f, -1f], [2]));
        Sum(x * x).Backward();
        Sum(4 * x).Backward();
        Assert.True(x.HasGradient);
        Assert.Equal([10, 2], GradientOf(x));
        x.ZeroGradient();
        Assert.False(x.HasGradient);
        Sum(4 * x).Backward();
        Assert.Equal([4, 4], GradientOf(x));
    }

    [Fact]
    public void A_frozen_parameter_receives_nothing()
    {
        Parameter weight = new("weight", Tensor.Ones([2, 3])) { Trainable = false };
        Variable x = new(Tensor.Ones([4, 3]), requiresGradient: true);
        Sum(Linear(x, weight)).Backward();
        Assert.False(weight.HasGradient);
        Assert.NotNull(x.Gradient);
    }

    [Fact]
    public void Retain_allows_a_second_pass_over_the_same_graph()
    {
        using StepScope scope = StepScope.Begin();
        Variable x = Leaf(3, -1);
        Variable y = Sum(Exp(x) * x);
        y.Backward(retain: true);
        float[] once = GradientOf(x);
        y.Backward();
        Assert.Equal(once.Select(g => 2 * g), GradientOf(x));
    }

    [Fact]
    public void A_second_pass_without_retain_names_the_consumed_operation()
    {
        Variable y = Sum(Exp(Leaf(3, -1)));
        y.Backward();
        GradientException error = Assert.Throws<GradientException>(() => y.Backward());
        Assert.Contains("Sum", error.Message, StringComparison.Ordinal);
        Assert.Contains("retain", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Activations_are_released_and_the_root_stays_readable()
    {
        using StepScope scope = StepScope.Begin();
        Variable x = Leaf(3, -1);
        Variable hidden = Exp(x);
        Variable root = Reshape(Sum(hidden), 1, 1);     // a view: its memory is an activation's
        double value = root.Value.Item();
        root.Backward();
        Assert.Throws<ReleasedException>(() => hidden.Value.ToArray<float>());
        Assert.Equal(value, root.Value.Item());
        Assert.Equal([3, -1], x.Value.ToArray<float>());
    }

    [Fact]
    public void A_view_of_a_leaf_does_not_release_the_leaf()
    {
        using StepScope scope = StepScope.Begin();
        Variable x = Leaf(1, 2, 3, 4);
        Sum(Square(Permute(Reshape(x, 2, 2), 1, 0))).Backward();
        Assert.Equal([1, 2, 3, 4], x.Value.ToArray<float>());
        Assert.Equal([2, 4, 6, 8], GradientOf(x));
    }

    [Fact]
    public void Saved_tensors_return_as_soon_as_nobody_needs_them()
    {
        using StepScope scope = StepScope.Begin();
        Variable x = Leaf(1, 2);
        Tensor saved = Tensor.Ones([2]), unused = Tensor.Ones([2]);
        Variable y = Tape.Record(x.Value.Clone(), [x], dy => dy, saved: [saved], operation: "Keeping");
        Assert.False(saved.Storage.IsReleased);
        Sum(y).Backward();
        Assert.True(saved.Storage.IsReleased);
        using (Tape.NoGradient()) Tape.Record(x.Value.Clone(), [x], dy => dy, saved: [unused]);
        Assert.True(unused.Storage.IsReleased);
    }

    [Fact]
    public void Nothing_is_recorded_without_gradients()
    {
        Variable x = Leaf(3, -1);
        using (Tape.NoGradient())
        {
            using (Tape.NoGradient()) Assert.False(Tape.IsRecording);
            Variable y = x * x;
            Assert.False(y.RequiresGradient);
            Assert.True(y.IsLeaf);
            Assert.Throws<GradientException>(() => Sum(y).Backward());
        }

        Assert.True(Tape.IsRecording);
        Assert.True((x * x).RequiresGradient);
    }

    [Fact]
    public void Detach_cuts_the_history()
    {
        Variable x = Leaf(3, -1);
        Variable y = x * x;
        Sum(y.Detach() * x).Backward();
        Assert.Equal([9, 1], GradientOf(x));
    }

    [Fact]
    public void An_operation_of_ones_own_needs_record_alone()
    {
        Variable x = Leaf(3, -1);
        Variable y = Tape.Record(Elementwise.Map(new Scale(3), x.Value), [x], dy => Elementwise.Map(new Scale(3), dy), operation: "Triple");
        Sum(y).Backward();
        Assert.Equal([3, 3], GradientOf(x));
    }

    [Fact]
    public void A_backward_function_that_returns_nonsense_is_named()
    {
        Variable x = Leaf(3, -1);
        Variable wrongShape = Tape.Record(x.Value.Clone(), [x], dy => Tensor.Ones([3]), operation: "WrongShape");
        Assert.Contains("WrongShape", Assert.Throws<GradientException>(() => Sum(wrongShape).Backward()).Message, StringComparison.Ordinal);
        Variable wrongCount = Tape.Record(x.Value.Clone(), [x], dy => (dy, dy), operation: "WrongCount");
        Assert.Contains("WrongCount", Assert.Throws<GradientException>(() => Sum(wrongCount).Backward()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pass_that_failed_leaves_nothing_behind()
    {
        bool fails = true;
        Variable x = Leaf(3, -1);
        Variable y = Tape.Record(x.Value.Clone(), [x], dy => fails ? throw new InvalidOperationException("once") : dy);
        Variable z = Sum(y + 2 * y);
        Assert.Throws<InvalidOperationException>(() => z.Backward(retain: true));
        fails = false;
        z.Backward(retain: true);
        Assert.Equal([3, 3], GradientOf(x));
        Assert.Null(StepScope.Current);
    }

    [Fact]
    public void An_absent_optional_input_has_a_place_without_a_gradient()
    {
        Variable x = Leaf(3, -1);
        Sum(Tape.Record(x.Value.Clone(), [null, x], dy => (null, dy))).Backward();
        Assert.Equal([1, 1], GradientOf(x));
    }

    [Fact]
    public void A_hook_observes_the_whole_gradient_once()
    {
        Variable x = Leaf(3, -1);
        Variable y = 2 * x;
        List<float[]> seen = [];
        y.OnGradient(gradient => { seen.Add(gradient.ToArray<float>()); return null; });
        x.OnGradient(gradient => { seen.Add(gradient.ToArray<float>()); return null; });
        Sum(y * y + 3 * y + x).Backward();
        Assert.Equal([[15, -1], [31, -1]], seen);
        Assert.Equal([31, -1], GradientOf(x));
    }

    [Fact]
    public void A_hook_replaces_the_gradient_of_a_result_and_of_a_leaf()
    {
        Variable x = Leaf(3, -1);
        Variable y = 2 * x;
        y.OnGradient(gradient => Elementwise.Map(new Scale(10), gradient));
        x.OnGradient(gradient => Elementwise.Map(new AddConstant(1), gradient));
        Sum(y).Backward();
        Assert.Equal([21, 21], GradientOf(x));
        x.OnGradient(_ => Tensor.Ones([5]));
        Assert.Throws<GradientException>(() => Sum(2 * x).Backward());
    }

    [Fact]
    public void A_result_keeps_its_gradient_when_asked()
    {
        Variable x = Leaf(3, -1);
        Variable y = (2 * x).RetainGradient(), z = 3 * y;
        Sum(z * z).Backward();
        Assert.Equal([108, -36], GradientOf(y));
        Assert.Null(z.Gradient);
    }

    [Fact]
    public void A_long_chain_does_not_overflow_the_stack()
    {
        Variable x = Leaf(3, -1), sum = x;
        for (int i = 0; i < 10_000; i++) sum = sum + 1;
        Variable doubled = sum;
        for (int i = 0; i < 10_000; i++) doubled = doubled + x;
        Sum(doubled).Backward();
        Assert.Equal([10_001, 10_001], GradientOf(x));
    }

    [Fact]
    public void The_check_for_numbers_names_the_first_operation()
    {
        Variable x = Leaf(1, -1);
        Tape.ChecksNumbers = true;
        try
        {
            GradientException forward = Assert.Throws<GradientException>(() => Exp(Log(x)));
            Assert.Contains("NaturalLogarithm", forward.Message, StringComparison.Ordinal);
            Assert.Contains("[2]", forward.Message, StringComparison.Ordinal);
            GradientException backward = Assert.Throws<GradientException>(() => Sum(Sqrt(Relu(x))).Backward());
            Assert.Contains("gradient of SquareRoot", backward.Message, StringComparison.Ordinal);
        }
        finally
        {
            Tape.ChecksNumbers = false;
        }
    }

    [Fact]
    public void A_result_of_several_elements_needs_a_gradient_of_its_shape()
    {
        Variable y = 2 * Leaf(3, -1);
        Assert.Throws<GradientException>(() => y.Backward());
        Assert.Throws<GradientException>(() => y.Backward(Tensor.Ones([3])));
        Assert.Throws<GradientException>(() => new Variable(Tensor.Ones([1])).Backward());
        Assert.Throws<ShapeException>(() => new Variable(Tensor.From([1, 2], [2]), requiresGradient: true));
    }

    [Fact]
    public void The_gradient_given_to_backward_stays_the_callers()
    {
        using StepScope scope = StepScope.Begin();
        Variable x = Leaf(3, -1);
        Tensor start = Tensor.From([5f, 7f], [2]);
        Variable y = AddConstant(x, 1);
        (y + y).Backward(start);
        Assert.Equal([5, 7], start.ToArray<float>());
        Assert.Equal([10, 14], GradientOf(x));
    }

    [Fact]
    public void GradCheck_finds_a_wrong_gradient_and_leaves_its_inputs_alone()
    {
        Variable x = new(Tensor.From([0.6, -0.7], [2]), requiresGradient: true);
        GradientException error = Assert.Throws<GradientException>(() => GradCheck.Check(
            v => Tape.Record(Elementwise.Map(new Square(), v[0].Value), [v[0]], dy => dy), [x]));
        Assert.Contains("element 0", error.Message, StringComparison.Ordinal);
        GradCheck.Check(v => Square(v[0]), [x]);
        Assert.Null(x.Gradient);
        Assert.Equal([0.6, -0.7], x.Value.ToArray<double>());
    }
}

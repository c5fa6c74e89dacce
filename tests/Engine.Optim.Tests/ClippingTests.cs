using Engine.Autograd;

namespace Engine.Optim.Tests;

public sealed class ClippingTests
{
    [Fact]
    public void Gradients_within_the_norm_keep_their_bits()
    {
        Parameter[] parameters = TestModel.Create(TestModel.AwkwardSizes);
        ParameterArena arena = new(parameters);
        TestModel.Differentiate(parameters, 0);
        float[] before = arena.Gradients.ToArray<float>();
        Clipping.ByGlobalNorm(arena, 1e6);
        Assert.Equal(before, arena.Gradients.ToArray<float>());
    }

    [Fact]
    public void Only_parameters_with_a_gradient_count()
    {
        Parameter[] parameters = TestModel.Create(50, 5000, 70, 7);
        ParameterArena arena = new(parameters);
        TestModel.Differentiate(parameters, 0);
        parameters[1].ZeroGradient();
        parameters[3].ZeroGradient();
        float[] stale = parameters[1].Gradient!.ToArray<float>();
        double expected = Math.Sqrt(Squares(parameters[0]) + Squares(parameters[2]));

        double norm = Clipping.ByGlobalNorm(arena, 0.5).Item();

        Assert.Equal(expected, norm, 1e-5 * expected);
        Assert.Equal(0.5, Math.Sqrt(Squares(parameters[0]) + Squares(parameters[2])), 1e-5);
        Assert.Equal(stale, parameters[1].Gradient!.ToArray<float>());
    }

    [Fact]
    public void Without_any_gradient_the_norm_is_zero() =>
        Assert.Equal(0, Clipping.ByGlobalNorm(new(TestModel.Create(50)), 1).Item());

    [Fact]
    public void The_norm_of_a_large_arena_is_accurate()
    {
        Parameter[] parameters = TestModel.Create(3_000_000);
        ParameterArena arena = new(parameters);
        TestModel.Differentiate(parameters, 0);
        double expected = Math.Sqrt(Squares(parameters[0]));
        Assert.Equal(expected, Clipping.ByGlobalNorm(arena, 1).Item(), 1e-6 * expected);
    }

    [Fact]
    public void By_value_bounds_every_element()
    {
        Parameter[] parameters = TestModel.Create(TestModel.AwkwardSizes);
        ParameterArena arena = new(parameters);
        TestModel.Differentiate(parameters, 0);
        float[] expected = Array.ConvertAll(arena.Gradients.ToArray<float>(), value => Math.Clamp(value, -0.25f, 0.25f));
        Clipping.ByValue(arena, 0.25);
        Assert.Equal(expected, arena.Gradients.ToArray<float>());
    }

    [Theory, InlineData(-1.0), InlineData(double.NaN)]
    public void A_bound_that_makes_no_sense_is_refused(double bound)
    {
        ParameterArena arena = new(TestModel.Create(4));
        Assert.Throws<ArgumentException>(() => Clipping.ByGlobalNorm(arena, bound));
        Assert.Throws<ArgumentException>(() => Clipping.ByValue(arena, bound));
    }

    static double Squares(Parameter parameter)
    {
        double sum = 0;
        foreach (float value in parameter.Gradient!.ToArray<float>()) sum += (double)value * value;
        return sum;
    }
}

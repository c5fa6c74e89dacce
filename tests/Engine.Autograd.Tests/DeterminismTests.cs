using Engine.Tensors;
using Engine.Testing;
using static Engine.Autograd.Functions;

namespace Engine.Autograd.Tests;

/// <summary>The number of threads belongs to the process: these tests run alone.</summary>
[CollectionDefinition(nameof(DeterminismTests), DisableParallelization = true)]
[Collection(nameof(DeterminismTests))]
public sealed class DeterminismTests
{
    // Large enough that every kernel divides its work.
    static readonly Dictionary<string, (Func<Variable[], Variable> Apply, Shape[] Shapes)> Large = new()
    {
        ["elementwise"] = (v => Gelu(v[0] * v[1] + v[2]), [[300, 517], [517], [300, 1]]),
        ["linear"] = (v => Linear(new Gelu(), v[0], v[1], v[2]), [[3, 197, 192], [384, 192], [384]]),
        ["product of batches"] = (v => MatMul(v[0], v[1]), [[6, 97, 64], [6, 64, 97]]),
        ["layer norm"] = (v => LayerNorm(v[0], v[1], v[2]), [[4, 197, 192], [192], [192]]),
        ["rms norm"] = (v => RmsNorm(v[0], v[1]), [[4, 197, 192], [192]]),
        ["softmax"] = (v => Softmax(v[0]), [[700, 197]]),
        ["attention"] = (v => SelfAttention(v[0], 3), [[3, 197, 576]]),
        ["folds"] = (v => Mean(v[0], [0]) + Sum(v[0], [1], keepAxes: true) + Mean(v[0]) + Variance(v[0], [0]), [[517, 517]]),
        ["cross-entropy"] = (v => CrossEntropy(v[0], Tensor.From([.. Enumerable.Range(0, 600).Select(i => i % 400)], [600])), [[600, 400]]),
        ["convolution"] = (v => Conv2d(v[0], v[1], v[2], padding: 1), [[4, 8, 56, 56], [16, 8, 3, 3], [16]]),
        ["embedding"] = (v => Embedding(v[0], Tensor.From([.. Enumerable.Range(0, 2000).Select(i => i * i % 97)], [2000])), [[97, 64]]),
        ["interpolation"] = (v => Interpolate(v[0], 97, 101, Interpolation.Bicubic), [[2, 8, 56, 56]]),
    };

    public static TheoryData<string> Names => [.. Large.Keys];

    [Theory, MemberData(nameof(Names))]
    public void Results_and_gradients_have_the_same_bits_on_one_thread_and_on_two(string name)
    {
        (Func<Variable[], Variable> apply, Shape[] shapes) = Large[name];
        Tensor[] one = OnThreads(1, () => ResultAndGradients(apply, shapes)), two = OnThreads(2, () => ResultAndGradients(apply, shapes));
        for (int i = 0; i < one.Length; i++) TensorAssert.SameBits(two[i], one[i], $"{name}, {(i == 0 ? "result" : $"gradient {i - 1}")}");
    }

    [Fact]
    public void Every_fixture_has_the_same_bits_on_one_thread_and_on_two()
    {
        foreach (ManifestEntry entry in Manifest.Of("ops"))
        {
            Tensor[] one = OnThreads(1, () => ResultsAndGradients(entry.Name)), two = OnThreads(2, () => ResultsAndGradients(entry.Name));
            for (int i = 0; i < one.Length; i++) TensorAssert.SameBits(two[i], one[i], $"{entry.Name}, tensor {i}");
        }
    }

    static Tensor[] OnThreads(int count, Func<Tensor[]> compute)
    {
        int usual = ThreadTeam.Threads;
        ThreadTeam.Threads = count;
        try
        {
            return compute();
        }
        finally
        {
            ThreadTeam.Threads = usual;
        }
    }

    static Tensor[] ResultAndGradients(Func<Variable[], Variable> apply, Shape[] shapes)
    {
        Variable[] inputs = [.. shapes.Select((shape, i) => new Variable(Normal(shape, (ulong)i), true))];
        Variable result = apply(inputs);
        result.Backward(Normal(result.Shape, 99), retain: true);
        return [result.Value, .. inputs.Select(input => input.Gradient!)];
    }

    static Tensor[] ResultsAndGradients(string name)
    {
        using Fixture fixture = Fixture.Open("ops", name, Device.Default);
        Variable[] results = OperationFixtures.Run(fixture);
        Tensor[] values = [.. results.Select(result => result.Value.Clone())];
        return [.. values, .. fixture.Differentiate(results).Select(each => each.Gradient)];
    }

    static Tensor Normal(Shape shape, ulong stream)
    {
        float[] values = new float[shape.ElementCount];
        new Philox(5, stream).FillNormal(values);
        return Tensor.From(values, shape);
    }
}

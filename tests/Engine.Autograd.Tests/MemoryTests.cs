using Engine.Tensors;
using static Engine.Autograd.Functions;

namespace Engine.Autograd.Tests;

/// <summary>Each test has a pool of its own, so that nothing else counts.</summary>
public sealed class MemoryTests
{
    readonly Device device = new("cpu", 0, new CpuBackend());

    Parameter Weight(int inputs, int outputs, ulong stream)
    {
        float[] values = new float[inputs * outputs];
        new Philox(1, stream).FillNormal(values);
        return new($"weight{stream}", Tensor.From(values, [outputs, inputs], device));
    }

    void Step(Variable x, Parameter first, Parameter second)
    {
        Variable hidden = Linear(new Gelu(), x, first);
        Variable loss = Mean(Square(Linear(hidden, second)));
        loss.Backward();
        foreach (Parameter parameter in (Parameter[])[first, second])
        {
            Elementwise.MapInto(new Subtract(), parameter.Value, Elementwise.Map(new Scale(1e-3f), parameter.Gradient!), parameter.Value);
            parameter.ZeroGradient();
        }
    }

    [Fact]
    public void A_thousand_steps_in_a_scope_use_no_more_memory_than_one()
    {
        Parameter first = Weight(24, 48, 0), second = Weight(48, 24, 1);
        Variable x = Tensor.Ones([16, 24], device: device);
        MemoryUse early = default;

        // The parameters hold copies of what they were made from, which the collector might otherwise return in between.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        for (int i = 0; i < 1000; i++)
        {
            using (StepScope.Begin()) Step(x, first, second);
            if (i == 1) early = device.Backend.Memory;
        }

        MemoryUse late = device.Backend.Memory;
        Assert.Equal(early, late);
        Assert.True(late.Used > 0 && late.Used < late.Peak);
    }

    [Fact]
    public void Backward_holds_less_than_all_gradients_at_once()
    {
        const int Depth = 40, Bytes = 4 << 14;
        using StepScope scope = StepScope.Begin();
        Variable x = new(Tensor.Ones([1 << 14], device: device), requiresGradient: true);
        Variable y = x;
        for (int i = 0; i < Depth; i++) y = Sin(y);
        Variable loss = Sum(y);
        long before = device.Backend.Memory.Used;
        loss.Backward();
        MemoryUse after = device.Backend.Memory;
        Assert.True(before > Depth * Bytes);
        Assert.True(after.Peak < before + 6 * Bytes, $"{after.Peak - before} bytes on top of {before}");
        Assert.True(after.Used < 6 * Bytes, $"{after.Used} bytes are left");
    }

    [Fact, Trait("Speed", "Slow")]
    public void The_collector_returns_what_a_program_without_scopes_forgets()
    {
        Parameter first = Weight(64, 256, 0), second = Weight(256, 64, 1);
        Variable x = Tensor.Ones([512, 64], device: device);
        for (int i = 0; i < 1000; i++) Step(x, first, second);
        Assert.True(device.Backend.Memory.Peak < 1L << 30, $"{device.Backend.Memory.Peak >> 20} MB at the peak");
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.True(device.Backend.Memory.Used < 16 << 20, $"{device.Backend.Memory.Used >> 10} KB are still held");
    }
}

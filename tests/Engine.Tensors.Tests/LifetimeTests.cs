using System.Runtime.CompilerServices;

namespace Engine.Tensors.Tests;

/// <summary>When memory returns. On devices of their own, so that other tests' tensors do not count.</summary>
public sealed class LifetimeTests
{
    readonly Device device = new("test", 0, new CpuBackend());

    [Fact]
    public void A_scope_releases_what_was_not_kept()
    {
        Tensor kept, lost;
        using (StepScope scope = StepScope.Begin())
        {
            lost = Tensor.Ones([1000], device: device);
            kept = scope.Keep(lost + lost);
        }

        Assert.Throws<ReleasedException>(() => lost.ToArray<float>());
        Assert.Throws<ReleasedException>(() => lost + kept);
        Assert.Throws<ReleasedException>(() => kept + lost);
        Assert.InRange(device.Backend.Memory.Used, 4000, 7999);
        Assert.All(kept.ToArray<float>(), v => Assert.Equal(2, v));
        kept.Release();
        Assert.Equal(0, device.Backend.Memory.Used);
        Assert.Throws<ReleasedException>(() => kept.Clone());
        Assert.Throws<ReleasedException>(() => lost.Slice(0, 0, 1).Clone());
    }

    [Fact]
    public void Scopes_nest_and_a_kept_tensor_moves_outward_once()
    {
        Tensor x;
        using (StepScope outer = StepScope.Begin())
        {
            using (StepScope inner = StepScope.Begin()) x = inner.Keep(Tensor.Ones([4], device: device));
            Assert.Equal(4, Reduction.Sum(x).Item());
        }

        Assert.Throws<ReleasedException>(() => x.Clone());
        Assert.Equal(5, StepScope.Run(() => Tensor.Scalar(2, device: device) + Tensor.Scalar(3, device: device)).Item());
    }

    [Fact]
    public void An_exception_inside_ends_inner_scopes_with_the_outer_one()
    {
        Tensor? x = null;
        using (StepScope outer = StepScope.Begin())
        {
            _ = StepScope.Begin();
            x = Tensor.Ones([4], device: device);
        }

        Assert.Null(StepScope.Current);
        Assert.Throws<ReleasedException>(() => x.Clone());
    }

    [Fact]
    public void Steps_reuse_the_same_memory()
    {
        long peak = 0;
        for (int step = 0; step < 50; step++)
        {
            using StepScope scope = StepScope.Begin();
            Tensor x = Tensor.Ones([1 << 16], device: device);
            for (int i = 0; i < 5; i++) x = Elementwise.Map<Gelu>(x) + x;
            _ = Reduction.Sum(x).Item();
            if (step == 0) peak = device.Backend.Memory.Peak;
        }

        Assert.Equal(peak, device.Backend.Memory.Peak);
        Assert.Equal(0, device.Backend.Memory.Used);
    }

    [Fact]
    public void A_forgotten_scope_does_not_leak()
    {
        // 8 GB in all, a small part of it at once.
        for (int i = 0; i < 1000; i++) Touch();
        Assert.InRange(device.Backend.Memory.Peak, 0, 1L << 30);

        [MethodImpl(MethodImplOptions.NoInlining)]
        void Touch() => _ = Tensor.Empty([1 << 21], device: device);
    }

    [Fact]
    public void Tensors_of_two_devices_do_not_mix()
    {
        Tensor here = Tensor.Ones([2]), there = Tensor.Ones([2], device: device);
        Assert.Contains("test:0", Assert.Throws<DeviceException>(() => here + there).Message);
        Assert.Equal([2, 2], (here.To(device) + there).ToArray<float>());
    }
}

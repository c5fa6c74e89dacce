using Engine.Autograd;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Models.Tests;

/// <summary>What backward launches, counted on a device that counts: nothing for what is frozen, nothing below the lowest trainable layer.</summary>
public sealed class BackwardCostTests
{
    static readonly VitConfig Small = new() { ImageSize = 8, PatchSize = 4, Width = 12, Depth = 4, Heads = 2, MlpWidth = 16, Classes = 3 };

    // Of a step's forward and backward pass.
    static (Cost Forward, Cost Backward) Measure(Action<VisionTransformer> choose)
    {
        CountingBackend backend = new(new CpuBackend());
        Device device = new("counting", 0, backend);
        using StepScope step = StepScope.Begin();
        VisionTransformer model = new(Small, seed: 3, device);
        choose(model);
        Tensor pixels = RandomNumbers.Normal([2, 3, 8, 8], new Philox(1), device: device), labels = Tensor.From<int>([0, 2], [2], device);
        Cost before = Cost.Of(backend);
        Variable loss = Functions.CrossEntropy(model.Forward(pixels), labels);
        Cost forward = Cost.Of(backend);
        loss.Backward();
        return (forward - before, Cost.Of(backend) - forward);
    }

    readonly record struct Cost(int Products, int Attentions, int AttentionGradients, int NormGradients)
    {
        public static Cost Of(CountingBackend backend) => new(
            backend.Calls.GetValueOrDefault("MatMul"), backend.Calls.GetValueOrDefault("Attention"),
            backend.Calls.GetValueOrDefault("AttentionGradient"), backend.Calls.GetValueOrDefault("LayerNormGradient"));

        public static Cost operator -(Cost a, Cost b) => new(
            a.Products - b.Products, a.Attentions - b.Attentions, a.AttentionGradients - b.AttentionGradients, a.NormGradients - b.NormGradients);
    }

    [Fact]
    public void Full_fine_tuning_differentiates_everything()
    {
        (Cost forward, Cost backward) = Measure(_ => { });
        Assert.Equal(new Cost(1 + 4 * 4 + 1, 4, 0, 0), forward);

        // Two products a layer, but one for the patches, whose pixels want none.
        Assert.Equal(new Cost(1 + 2 * 4 * 4 + 2, 0, 4, 9), backward);
    }

    [Fact]
    public void A_linear_probe_runs_one_product_backward() => Assert.Equal(new Cost(1, 0, 0, 0), Measure(model =>
    {
        model.Freeze("*");
        model.Unfreeze("head.*");
    }).Backward);

    [Fact]
    public void Adapters_on_the_last_block_run_nothing_below_it()
    {
        (Cost forward, Cost backward) = Measure(model => Peft.Attach(model, new LoraOptions { Targets = ["blocks.3.attn.qkv"], Rank = 2 }));
        Assert.Equal(2, forward.Products - (1 + 4 * 4 + 1));

        // The way down: head, fc2, fc1, proj; then dB, the inner gradient, dA. No weight of the model, and not the block's input.
        Assert.Equal(new Cost(4 + 3, 0, 1, 2), backward);
    }

    [Fact]
    public void BitFit_runs_no_product_for_a_weight() =>
        Assert.Equal(new Cost(4 * 4 + 1, 0, 4, 9), Measure(model =>
        {
            model.Freeze("*");
            model.Unfreeze("*.bias");
        }).Backward);

    [Fact]
    public void A_frozen_norm_has_no_gradient_of_its_gain()
    {
        using StepScope step = StepScope.Begin();
        VisionTransformer model = new(Small, seed: 3);
        Peft.Attach(model, new LoraOptions { Targets = ["fc1"], Rank = 2 });
        Functions.Sum(model.Forward(RandomNumbers.Normal([2, 3, 8, 8], new Philox(1)))).Backward();
        Assert.All(model.Parameters, parameter => Assert.Equal(parameter.ZeroAnchor, parameter.HasGradient));
    }
}

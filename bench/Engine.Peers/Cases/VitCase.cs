using Engine.Autograd;
using Engine.Models;
using Engine.Optim;
using Engine.Tensors;
using static TorchSharp.torch;
using Functional = TorchSharp.torch.nn.functional;
using Tensor = TorchSharp.torch.Tensor;

namespace Engine.Peers;

/// <summary>A whole training step of a vision transformer: zeroing, forward, backward, AdamW.</summary>
static class VitCase
{
    const double LearningRate = 1e-4, WeightDecay = 0.01;

    public static PeerCase Create(string name, VitConfig config, int batch) => new(name, () => Prepare(config, batch));

    static string TimmName(string name) => name
        .Replace("class_token", "cls_token", StringComparison.Ordinal)
        .Replace("position_embedding", "pos_embed", StringComparison.Ordinal)
        .Replace("patch_embedding", "patch_embed.proj", StringComparison.Ordinal);

    static PeerPair Prepare(VitConfig config, int batch)
    {
        VisionTransformer model = new(config, seed: 1);
        ParameterArena arena = new(model.Parameters);
        AdamW optimizer = new(arena, new AdamOptions { LearningRate = LearningRate, WeightDecay = WeightDecay });
        Philox random = new(2, 0);
        float[] pixels = new float[batch * 3 * config.ImageSize * config.ImageSize];
        random.FillNormal(pixels);
        int[] labels = [.. Enumerable.Range(0, batch).Select(i => i % config.Classes)];
        Engine.Tensors.Tensor images = Engine.Tensors.Tensor.From(pixels, [batch, 3, config.ImageSize, config.ImageSize]);
        Engine.Tensors.Tensor targets = Engine.Tensors.Tensor.From(labels, [batch]);

        Dictionary<string, Tensor> weights = model.Parameters.ToDictionary(
            p => TimmName(p.Name), p => tensor(p.Value.ToArray<float>(), [.. p.Shape.Select(extent => (long)extent)]));
        TorchVit peer = new(weights, config.Depth, config.Heads, config.PatchSize, config.Epsilon);
        var peerOptimizer = optim.AdamW(peer.Parameters, LearningRate, weight_decay: WeightDecay);
        Tensor peerImages = tensor(pixels, [batch, 3, config.ImageSize, config.ImageSize]), peerTargets = tensor(labels).to(ScalarType.Int64);

        return new(Ours: () => Step(), Peer: () => PeerStep(), Check: () => PeerPair.Same("loss", Step(), PeerStep()));

        double Step()
        {
            using StepScope scope = StepScope.Begin();
            optimizer.ZeroGradients();
            Variable loss = Functions.CrossEntropy(model.Forward(images), targets);
            loss.Backward();
            optimizer.Step();
            return loss.Value.Item();
        }

        double PeerStep()
        {
            using var scope = NewDisposeScope();
            peerOptimizer.zero_grad();
            Tensor loss = Functional.cross_entropy(peer.Forward(peerImages), peerTargets);
            loss.backward();
            peerOptimizer.step();
            return loss.item<float>();
        }
    }
}

using Engine.Autograd;
using Engine.Optim;
using Engine.Tensors;
using static TorchSharp.torch;
using Tensor = Engine.Tensors.Tensor;

namespace Engine.Peers;

/// <summary>One optimizer step over the parameters of a ViT-B/16: 86 million in 150 tensors.</summary>
static class OptimizerCase
{
    const int Tensors = 150, Elements = 86_000_000 / Tensors;

    public static PeerCase AdamW() => new("optimizer AdamW", sides =>
    {
        (ParameterArena arena, List<TorchSharp.Modules.Parameter> peers) = Prepare(sides);
        Optimizer ours = new AdamW(arena, new AdamOptions { LearningRate = 1e-4, WeightDecay = 0.01 });
        if (peers.Count == 0) return new(ours.Step, null);
        var peer = optim.AdamW(peers, 1e-4, weight_decay: 0.01);
        return Pair(arena, ours, peers, () => peer.step());
    });

    public static PeerCase AdamSpd() => new("optimizer Adam-SPD", sides =>
    {
        (ParameterArena arena, List<TorchSharp.Modules.Parameter> peers) = Prepare(sides);
        Optimizer ours = new AdamSpd(arena, new AdamSpdOptions { LearningRate = 1e-4, Lambda = 1, Anchors = new AnchorOptions { IncludeFresh = true } });
        if (peers.Count == 0) return new(ours.Step, null);
        OfficialAdamSpd peer = new(peers, 1e-4, 1);
        return Pair(arena, ours, peers, peer.Step);
    });

    static (ParameterArena, List<TorchSharp.Modules.Parameter>) Prepare(PeerSides sides)
    {
        float[] weights = new float[Elements], gradients = new float[Elements];
        List<Parameter> ours = [];
        List<TorchSharp.Modules.Parameter> peers = [];
        for (int i = 0; i < Tensors; i++)
        {
            new Philox(5, (ulong)i).FillUniform(weights);
            new Philox(6, (ulong)i).FillUniform(gradients);
            ours.Add(new Parameter($"w{i}", Tensor.From(weights, [Elements])));
            if (sides == PeerSides.Ours) continue;
            peers.Add(new TorchSharp.Modules.Parameter(tensor(weights)));
            peers[i].grad = tensor(gradients);
        }

        ParameterArena arena = new(ours);
        for (int i = 0; i < Tensors; i++)
        {
            new Philox(6, (ulong)i).FillUniform(gradients);
            Functions.Sum(Functions.Multiply(ours[i], Tensor.From(gradients, [Elements]))).Backward();
        }

        return (arena, peers);
    }

    static PeerPair Pair(ParameterArena arena, Optimizer ours, List<TorchSharp.Modules.Parameter> peers, Action peer) => new(
        Ours: ours.Step,
        Peer: peer,
        Check: () =>
        {
            for (int i = 0; i < 3; i++)
            {
                ours.Step();
                peer();
            }

            PeerPair.Same("first weight", arena.Weights.Slice(0, 0, 1).Reshape(Shape.Create([])).Item<float>(), peers[0][0].item<float>(), 1e-5);
        });
}

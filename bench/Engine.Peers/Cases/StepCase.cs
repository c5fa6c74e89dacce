using Engine.Autograd;
using Engine.Models;
using Engine.Optim;
using Engine.Tensors;
using static TorchSharp.torch;
using Functional = TorchSharp.torch.nn.functional;
using Tensor = Engine.Tensors.Tensor;
using TorchTensor = TorchSharp.torch.Tensor;

namespace Engine.Peers;

/// <summary>A whole training step: zeroing, forward, backward, AdamW.</summary>
static class StepCase
{
    const double LearningRate = 1e-4, WeightDecay = 0.01;

    public static PeerCase Vit(string name, VitConfig config, int batch) => Images(name, batch, config.ImageSize, config.Classes,
        () => new VisionTransformer(config, seed: 1), model => Side(new TorchVit(model), peer => peer.Forward));

    public static PeerCase Swin(string name, SwinConfig config, int batch) => Images(name, batch, config.ImageSize, config.Classes,
        () => new SwinTransformer(config, seed: 1), model => Side(new TorchSwin(model), peer => peer.Forward));

    static (TorchModel, Func<TorchTensor, TorchTensor>) Side<TPeer>(TPeer peer, Func<TPeer, Func<TorchTensor, TorchTensor>> forward) where TPeer : TorchModel =>
        (peer, forward(peer));

    static PeerCase Images<TModel>(string name, int batch, int side, int classes, Func<TModel> create, Func<TModel, (TorchModel, Func<TorchTensor, TorchTensor>)> copy)
        where TModel : ImageClassifier => new(name, sides =>
    {
        float[] pixels = new float[batch * 3 * side * side];
        new Philox(2, 0).FillNormal(pixels);
        int[] labels = [.. Enumerable.Range(0, batch).Select(i => i % classes)];
        return Pair(sides, create, model =>
        {
            Tensor images = Tensor.From(pixels, [batch, 3, side, side]), targets = Tensor.From(labels, [batch]);
            return () => Functions.CrossEntropy(model.Forward(images), targets);
        }, model =>
        {
            (TorchModel peer, Func<TorchTensor, TorchTensor> forward) = copy(model);
            TorchTensor images = tensor(pixels, [batch, 3, side, side]), targets = tensor(labels).to(ScalarType.Int64);
            return (peer, () => Functional.cross_entropy(forward(images), targets));
        });
    });

    /// <summary>LoRA of a rank on q and v, everything else frozen.</summary>
    public static PeerCase Lora(string name, LlamaConfig config, int rank, int batch, int length) => new(name, sides =>
    {
        int[] tokens = [.. Enumerable.Range(0, batch * length + 1).Select(i => (int)(i * 7919L % config.VocabularySize))];
        int[] text = tokens[..^1], next = tokens[1..];
        return Pair(sides, Create, model =>
        {
            Tensor ours = Tensor.From(text, [batch, length]), targets = Tensor.From(next, [batch * length]);
            return () => Functions.CrossEntropy(Functions.Reshape(model.Forward(ours), batch * length, config.VocabularySize), targets);
        }, model =>
        {
            TorchLlama peer = new(model, scale: 2);
            TorchTensor theirs = tensor(text, [batch, length]).to(ScalarType.Int64), targets = tensor(next).to(ScalarType.Int64);
            return (peer, () => Functional.cross_entropy(peer.Forward(theirs).view(-1, config.VocabularySize), targets));
        });

        Llama Create()
        {
            Llama model = new(config, seed: 1);
            Peft.Attach(model, new LoraOptions { Rank = rank, Alpha = 2 * rank, Targets = ["q", "v"] });
            return model;
        }
    });

    static PeerPair Pair<TModel>(PeerSides sides, Func<TModel> create, Func<TModel, Func<Variable>> ours, Func<TModel, (TorchModel, Func<TorchTensor>)> theirs)
        where TModel : Engine.Models.Module
    {
        TModel model = create();
        (TorchModel peer, Func<TorchTensor> peerLoss) = sides == PeerSides.Ours ? default : theirs(model);
        if (sides == PeerSides.Peer)
        {
            // Our copy of the weights is not part of the peer's memory.
            foreach (Parameter parameter in model.Parameters) parameter.Value.Release();
            ((CpuBackend)Engine.Tensors.Device.Parse("cpu").Backend).Trim();
            return PeerPair.Of(() => double.NaN, Peer(peer, peerLoss));
        }

        ParameterArena arena = new(model.Parameters);
        AdamW optimizer = new(arena, new AdamOptions { LearningRate = LearningRate, WeightDecay = WeightDecay });
        Func<Variable> loss = ours(model);
        return PeerPair.Of(Step, peer is null ? null : Peer(peer, peerLoss));

        double Step()
        {
            using StepScope scope = StepScope.Begin();
            optimizer.ZeroGradients();
            Variable value = loss();
            value.Backward();
            optimizer.Step();
            return value.Value.Item();
        }
    }

    static Func<double> Peer(TorchModel peer, Func<TorchTensor> loss)
    {
        var optimizer = optim.AdamW(peer.Parameters.Where(parameter => parameter.requires_grad), LearningRate, weight_decay: WeightDecay);
        return () =>
        {
            using var scope = NewDisposeScope();
            optimizer.zero_grad();
            TorchTensor value = loss();
            value.backward();
            optimizer.step();
            return value.item<float>();
        };
    }
}

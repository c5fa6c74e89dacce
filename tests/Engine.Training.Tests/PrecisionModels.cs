using Engine.Autograd;
using Engine.Models;
using Engine.Tensors;

namespace Engine.Training.Tests;

/// <summary>One small model of each family, with a loss of drawn numbers.</summary>
static class PrecisionModels
{
    static readonly SwinConfig Swin = new() { ImageSize = 64, PatchSize = 4, Width = 16, Depths = [2, 2, 2], Heads = [2, 4, 8], WindowSize = 4, MlpRatio = 2, Classes = 5 };

    static readonly LlamaConfig Llama = new() { VocabularySize = 40, Width = 32, MlpWidth = 48, Depth = 2, Heads = 4, KeyValueHeads = 2, HeadSize = 8, MaximumLength = 16, TiedEmbeddings = true };

    public static (Module Model, Func<Variable> Loss) Create(string family)
    {
        Tensor pixels = RandomNumbers.Normal([4, 3, 64, 64], new Philox(1)), labels = Tensor.From([3, 0, 4, 1], [4]);
        switch (family)
        {
            case "vit":
                VitConfig vit = TrainerSetup.Config with { ImageSize = 64, PatchSize = 16, Width = 32, MlpWidth = 64, Dropout = 0, DropPath = 0, LayerScale = 0.5f };
                return Classifier(new VisionTransformer(vit, 3));
            case "swin":
                return Classifier(new SwinTransformer(Swin, 3));
            case "upernet":
                UperNet segmenter = new(new() { Backbone = Swin with { Classes = 0, WindowRule = WindowRule.PadAndShift }, Classes = 3, Channels = 8, AuxiliaryChannels = 8 }, 3);
                Tensor mask = Tensor.From([.. Enumerable.Range(0, 4 * 64 * 64).Select(i => i / 256 % 3)], [4, 64, 64]);
                return (segmenter, () => SegmentationLoss(segmenter, pixels, mask));
            default:
                Llama llama = new(Llama, 3);
                if (family == "lora")
                {
                    // B starts at 0, and with it the gradient of A.
                    Peft.Attach(llama, new LoraOptions { Targets = ["q", "v", "down"], Rank = 3, Dropout = 0.2f });
                    foreach (Parameter parameter in llama.Parameters.Where(parameter => parameter.Trainable)) parameter.Value.CopyFrom(0.3f * RandomNumbers.Normal(parameter.Shape, new Philox(7)));
                }

                Tensor tokens = Tensor.From([.. Enumerable.Range(0, 3 * 12).Select(i => i * i % 40)], [3, 12]), next = Tensor.From([.. Enumerable.Range(0, 3 * 12).Select(i => (i + 1) * (i + 1) % 40)], [36]);
                return (llama, () => Functions.CrossEntropy(Functions.Reshape(llama.Forward(tokens), 36, 40), next));
        }

        (Module, Func<Variable>) Classifier(ImageClassifier model) => (model, () => Functions.CrossEntropy(model.Forward(pixels), labels));
    }

    static Variable SegmentationLoss(UperNet model, Tensor pixels, Tensor mask)
    {
        (Variable logits, Variable? auxiliary) = model.ForwardBoth(pixels);
        return Functions.CrossEntropy(logits, mask) + Functions.CrossEntropy(auxiliary!, mask);
    }
}

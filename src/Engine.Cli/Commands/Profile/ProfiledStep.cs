using Engine.Autograd;
using Engine.Models;
using Engine.Optim;
using Engine.Tensors;

namespace Engine.Cli;

/// <summary>One step of a model on made-up data: forward, and unless that is all, zeroing, backward and optimizer.</summary>
sealed class ProfiledStep
{
    readonly Func<Variable> forward;
    readonly Optimizer? optimizer;

    ProfiledStep(string description, Func<Variable> forward, Optimizer? optimizer) => (Description, this.forward, this.optimizer) = (description, forward, optimizer);

    /// <summary>The model and its data, for people.</summary>
    public string Description { get; }

    /// <summary>Names an image, on noise.</summary>
    public static ProfiledStep Of(ImageClassifier model, int batch, Func<Module, Optimizer?> optimizer)
    {
        int side = model.ImageSize;
        Tensor pixels = RandomNumbers.Normal([batch, 3, side, side], new Philox(1), device: model.Device);
        Tensor labels = Numbers(batch, Math.Max(model.Classes, 1), model.Device);
        return new($"{Parameters(model)}, {batch} images of {side} pixels", () =>
        {
            Variable logits = model.Forward(pixels);
            return Tape.IsRecording ? Functions.CrossEntropy(logits, labels) : logits;
        }, optimizer(model));
    }

    /// <summary>Names every pixel of an image, on noise.</summary>
    public static ProfiledStep Of(Segmenter model, int batch, Func<Module, Optimizer?> optimizer)
    {
        int side = model.ImageSize;
        Tensor pixels = RandomNumbers.Normal([batch, 3, side, side], new Philox(1), device: model.Device);
        return new($"{Parameters(model)}, {batch} images of {side} pixels", () =>
        {
            Variable logits = model.Forward(pixels);                            // [B, classes, S, S]
            if (!Tape.IsRecording) return logits;
            Variable rows = Functions.Reshape(Functions.Permute(logits, 0, 2, 3, 1), -1, model.Classes);
            return Functions.CrossEntropy(rows, Numbers(rows.Shape[0], model.Classes, model.Device));
        }, optimizer(model));
    }

    /// <summary>Continues texts of made-up tokens.</summary>
    public static ProfiledStep Of(Llama model, int batch, int tokens, Func<Module, Optimizer?> optimizer)
    {
        Tensor text = Numbers(batch * tokens, model.Config.VocabularySize, model.Device).Reshape(batch, tokens);
        Tensor next = Numbers(batch * tokens, model.Config.VocabularySize, model.Device);
        return new($"{Parameters(model)}, {batch} texts of {tokens} tokens", () =>
        {
            Variable logits = model.Forward(text);
            return Tape.IsRecording ? Functions.CrossEntropy(Functions.Reshape(logits, batch * tokens, -1), next) : logits;
        }, optimizer(model));
    }

    /// <summary>One step; nothing of it stays.</summary>
    public void Run()
    {
        using StepScope scope = StepScope.Begin();
        if (optimizer is null)
        {
            using Tape.Pause pause = Tape.NoGradient();
            forward();
        }
        else
        {
            optimizer.ZeroGradients();
            forward().Backward();
            optimizer.Step();
        }
    }

    static string Parameters(Module model) => $"{model.ParameterCount:N0} parameters";

    // Spread over 0 to limit - 1; a prime as the step meets all.
    static Tensor Numbers(int count, int limit, Device device) =>
        Tensor.From<int>([.. Enumerable.Range(0, count).Select(i => (int)(i * 7919L % limit))], [count], device);
}

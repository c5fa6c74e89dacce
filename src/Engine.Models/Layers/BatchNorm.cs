using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Models;

/// <summary>
/// Batch normalization (Ioffe and Szegedy 2015): while training with the statistics of the batch, which move the running ones;
/// in evaluation with the running ones.
/// </summary>
/// <param name="at">The place; parameters <c>weight</c> and <c>bias</c>, buffers <c>mean</c> and <c>variance</c>, all [channels].</param>
/// <param name="channels">C</param>
/// <param name="epsilon">Added to the variance.</param>
/// <param name="momentum">How far a batch moves the running statistics.</param>
public sealed class BatchNorm(ModuleScope at, int channels, float epsilon = 1e-5f, float momentum = 0.1f) : Module(at)
{
    readonly Parameter weight = at.Parameter("weight", [channels], InitialValues.Ones);
    readonly Parameter bias = at.Parameter("bias", [channels], InitialValues.Zeros);
    readonly Parameter mean = at.Buffer("mean", [channels], InitialValues.Zeros);
    readonly Parameter variance = at.Buffer("variance", [channels], InitialValues.Ones);

    /// <summary>[B, C, ...] to the same shape.</summary>
    /// <exception cref="ShapeException">In training, a channel has a single element: its variance says nothing.</exception>
    public Variable Forward(Variable x)
    {
        if (!IsTraining) return Functions.BatchNorm(x, mean.Value, variance.Value, weight, bias, epsilon);
        long count = x.Value.ElementCount / channels;
        if (count < 2)
            throw new ShapeException($"{Path}: x is {x.Shape}, one element a channel; batch normalization trains on two or more, so take a larger batch or larger images.");
        (Variable y, Tensor batchMean, Tensor batchVariance) = Functions.BatchNormTraining(x, weight, bias, epsilon);
        using StepScope temporaries = StepScope.Begin();
        Move(mean, batchMean);
        Move(variance, batchVariance * (count / (count - 1f)));             // of the population, estimated from the batch
        return y;
    }

    void Move(Parameter running, Tensor batch) => running.Value.CopyFrom((1 - momentum) * running.Value + momentum * batch);
}

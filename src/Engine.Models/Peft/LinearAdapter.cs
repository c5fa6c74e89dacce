using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Models;

/// <summary>
/// Something small that is trained in a linear layer's place while the layer itself stays as it was: a low-rank update, a
/// bottleneck before, behind or beside it. The forward pass includes the layer, so that each kind can do both in one.
/// </summary>
/// <param name="at">A place below the layer's.</param>
/// <param name="layer">The layer.</param>
public abstract class LinearAdapter(ModuleScope at, Linear layer) : Module(at)
{
    Tensor? original;

    /// <summary>The layer it adapts.</summary>
    public Linear Layer => layer;

    /// <summary>True between <see cref="Merge"/> and <see cref="Unmerge"/>: the layer alone gives the adapted result.</summary>
    public bool IsMerged => original is not null;

    /// <summary>False for an adapter that no weight matrix equals, because there is a nonlinearity in it.</summary>
    public virtual bool CanMerge => false;

    /// <summary>The layer with its adapter.</summary>
    /// <param name="x">[..., inputs]</param>
    /// <returns>[..., outputs]</returns>
    public abstract Variable Forward(Variable x);

    /// <summary>Adds what the adapter does to a weight.</summary>
    /// <param name="weight">[outputs, inputs], in the type of the adapter's parameters; changed in place.</param>
    protected virtual void AddTo(Tensor weight) => throw new InvalidOperationException($"{Path} is not linear in x and cannot be merged into a weight; keep it beside the model.");

    /// <summary>The parameters under the names that adapter files give them below a layer: <c>lora_A</c>.</summary>
    internal virtual IEnumerable<AdapterTensor> Tensors => [];

    /// <summary>
    /// Adds the adapter to the layer's weight: W + s B A, computed in float32 and rounded once where the weight is stored in 16
    /// bits. The original weight is kept until <see cref="Unmerge"/>, so that unmerging restores every bit; it may lie in a
    /// mapped checkpoint, which is not written to.
    /// </summary>
    /// <exception cref="InvalidOperationException">The adapter is not linear.</exception>
    public void Merge()
    {
        if (IsMerged) return;
        Tensor weight = layer.Weight.Value, merged;
        using (StepScope outside = StepScope.Outside()) merged = weight.EmptyLike();
        using StepScope temporaries = StepScope.Begin();
        Tensor sum = weight.DType.IsArithmetic() ? merged : Tensor.Empty(weight.Shape, DType.Float32, weight.Device);
        sum.CopyFrom(weight);
        AddTo(sum);
        if (sum != merged) merged.CopyFrom(sum);
        original = layer.Weight.Exchange(merged);
    }

    /// <summary>Puts the original weight back, to the bit.</summary>
    public void Unmerge()
    {
        if (original is null) return;
        layer.Weight.Exchange(original).Release();
        original = null;
    }

    /// <summary>Forgets the original weight: what was merged stays.</summary>
    internal void Settle()
    {
        if (original is { Storage.IsReadOnly: false }) original.Release();
        original = null;
    }
}

/// <summary>A parameter of an adapter as files know it.</summary>
/// <param name="Site">What of the layer it adapts.</param>
/// <param name="Name">Its name below the layer: <c>lora_A</c>, <c>adapter_down</c>.</param>
/// <param name="Parameter">The parameter.</param>
readonly record struct AdapterTensor(AdapterSite Site, string Name, Parameter Parameter);

using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <content>Matrix products.</content>
sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void MatMul<TActivation>(TActivation activation, Tensor a, Tensor b, Tensor? bias, Tensor y, Tensor? preActivation, bool accumulate)
    {
        ProductTensors tensors = new(a, b, bias, y, preActivation, accumulate, false);

        // Few columns are few rows of the transposed product.
        if (y.Shape[^1] <= FewRows && y.Shape[^2] > FewRows && a.DType == b.DType)
            tensors = new(b.Transpose(), a.Transpose(), bias, y.Transpose(), preActivation?.Transpose(), accumulate, true);
        if (UsesTensorCores(tensors))
        {
            OnTensorCores(activation, tensors);
            GC.KeepAlive(tensors);
            return;
        }

        switch (y.DType, b.DType)
        {
            case (DType.Float32, DType.BFloat16) when a.DType == DType.BFloat16: Unrounded<TActivation, Brain16, ushort>(activation, tensors); break;
            case (DType.Float32, DType.Float16) when a.DType == DType.Float16: Unrounded<TActivation, Half16, ushort>(activation, tensors); break;
            case (DType.Float32, DType.Float32): Product<TActivation, Single32, float, Scalar32, Single32, float>(activation, tensors); break;
            case (DType.Float32, DType.BFloat16): Product<TActivation, Single32, float, Scalar32, Brain16, ushort>(activation, tensors); break;
            case (DType.Float32, DType.Float16): Product<TActivation, Single32, float, Scalar32, Half16, ushort>(activation, tensors); break;
            case (DType.BFloat16, DType.BFloat16): Product<TActivation, Brain16, ushort, Scalar32, Brain16, ushort>(activation, tensors); break;
            case (DType.Float16, DType.Float16): Product<TActivation, Half16, ushort, Scalar32, Half16, ushort>(activation, tensors); break;
            case (DType.Float64, DType.Float64): Product<TActivation, Double64, double, Scalar64, Double64, double>(activation, tensors); break;
            case (DType.Float64, DType.BFloat16 or DType.Float16):
                // Gradient checks of a frozen narrow weight: rare and small, so b is widened on its own first.
                Tensor wide = b.To(DType.Float64);
                Product<TActivation, Double64, double, Scalar64, Double64, double>(activation, tensors with { B = wide });
                wide.Release();
                break;
            default: throw new ShapeException($"MatMul: {a.DType} times {b.DType} into {y.DType} is no product that a GPU kernel computes; convert with To(DType).");
        }

        GC.KeepAlive(tensors);
    }

    // Up to here reading b once for every four rows is cheaper than bringing it into tiles.
    const int FewRows = 12;

    /// <summary>The operands of one call; transposed where rows and columns have changed places, and the bias belongs to rows.</summary>
    sealed record ProductTensors(Tensor A, Tensor B, Tensor? Bias, Tensor Y, Tensor? Linear, bool Accumulate, bool Transposed);

    void Product<TActivation, TElement, TWord, TLane, TRight, TRightWord>(TActivation activation, ProductTensors tensors)
        where TActivation : struct, IUnary
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
        where TRight : struct, IGpuElement<TRightWord, TLane>
        where TRightWord : unmanaged
    {
        ProductLayout layout = new(tensors.A, tensors.B, tensors.Y, tensors.Linear);
        ProductArguments<TActivation, TWord, TLane, TRightWord> arguments = Arguments<TActivation, TWord, TLane, TRightWord>(activation, tensors, layout);
        if (layout.M <= FewRows) Rows<TActivation, TElement, TWord, TLane, TRight, TRightWord>(layout, arguments);
        else if (Runtime.IsProcessor) FromPanels<TActivation, TElement, TWord, TLane, TElement, TWord, TRight, TRightWord>(layout, activation, tensors);
        else if (tensors.Y.DType == DType.Float32 && tensors.B.DType == DType.Float32 && InFours(layout, arguments, tensors) is { } wide) Wide(wide);
        else Tiled<TActivation, TElement, TWord, TLane, TRight, TRightWord>(layout, arguments);
    }

    // The sums of 16-bit products as they are: gradients of weights.
    void Unrounded<TActivation, TOperand, TWord>(TActivation activation, ProductTensors tensors)
        where TActivation : struct, IUnary
        where TOperand : struct, IGpuElement<TWord, Scalar32>
        where TWord : unmanaged
    {
        ProductLayout layout = new(tensors.A, tensors.B, tensors.Y, tensors.Linear);
        if (Runtime.IsProcessor && layout.M > FewRows)
        {
            FromPanels<TActivation, Single32, float, Scalar32, TOperand, TWord, TOperand, TWord>(layout, activation, tensors);
            return;
        }

        // Elsewhere but on tensor cores the left side has the result's type.
        Tensor left = tensors.A.To(DType.Float32);
        Product<TActivation, Single32, float, Scalar32, TOperand, TWord>(activation, tensors with { A = left });
        left.Release();
    }

    static long Groups(ProductSizes sizes) => (long)sizes.TilesDown * sizes.TilesAcross * sizes.Pieces * sizes.Products;

    static ProductArguments<TActivation, TWord, TLane, TRightWord> Arguments<TActivation, TWord, TLane, TRightWord>(
        TActivation activation, ProductTensors tensors, ProductLayout layout)
        where TActivation : struct, IUnary
        where TWord : unmanaged
        where TLane : unmanaged
        where TRightWord : unmanaged
    {
        (ArrayView<TWord> a, int aOrigin) = GpuRuntime.Reach<TWord>(tensors.A);
        (ArrayView<TRightWord> b, int bOrigin) = GpuRuntime.Reach<TRightWord>(tensors.B);
        return new() { A = a, B = b, APlaces = layout.APlaces(aOrigin), BPlaces = layout.BPlaces(bOrigin), Result = Result<TActivation, TWord, TLane>(activation, tensors, layout) };
    }

    static ProductResult<TActivation, TWord, TLane> Result<TActivation, TWord, TLane>(TActivation activation, ProductTensors tensors, ProductLayout layout)
        where TActivation : struct, IUnary
        where TWord : unmanaged
        where TLane : unmanaged
    {
        (ArrayView<TWord> y, int yOrigin) = GpuRuntime.Reach<TWord>(tensors.Y);
        int biasStep = tensors.Bias?.Strides[0] ?? 0;

        // A view must lead somewhere, even where no kernel follows it.
        (ArrayView<TWord> bias, int biasOrigin) = GpuRuntime.Reach<TWord>(tensors.Bias ?? tensors.Y);
        (ArrayView<TWord> linear, int linearOrigin) = GpuRuntime.Reach<TWord>(tensors.Linear ?? tensors.Y);
        return new()
        {
            Activation = activation,
            Bias = bias,
            Linear = linear,
            Y = y,
            LinearPlaces = layout.LinearPlaces(linearOrigin),
            YPlaces = layout.YPlaces(yOrigin),
            BiasOrigin = biasOrigin,
            BiasRow = tensors.Transposed ? biasStep : 0,
            BiasColumn = tensors.Transposed ? 0 : biasStep,
            HasBias = tensors.Bias is null ? 0 : 1,
            HasLinear = tensors.Linear is null ? 0 : 1,
            Accumulate = tensors.Accumulate ? 1 : 0,
            Partial = y.SubView(0, 1).Cast<TLane>(),
        };
    }
}

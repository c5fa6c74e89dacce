using Engine.Tensors;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace Engine.Gpu;

/// <content>Matrix products on NVIDIA's tensor cores: 16-bit operands always, float32 ones if <see cref="GpuPrecision"/> allows.</content>
sealed partial class GpuBackend
{
    bool UsesTensorCores(ProductTensors tensors)
    {
        DType type = tensors.A.DType;
        if (tensors.B.DType != type || (tensors.Y.DType != type && tensors.Y.DType != DType.Float32) || tensors.Y.Shape[^2] <= FewRows) return false;
        if (!type.IsNarrow() && !(type == DType.Float32 && GpuPrecision.TensorFloat32)) return false;
        return Runtime.Accelerator is CudaAccelerator { Architecture.Major: >= 8 };
    }

    void OnTensorCores<TActivation>(TActivation activation, ProductTensors tensors) where TActivation : struct, IUnary
    {
        bool turns = tensors.A.DType != DType.Float32;
        Tensor left = Aligned(tensors.A, turns), right = Aligned(tensors.B.Transpose(), turns);
        ProductTensors aligned = tensors with { A = left, B = right.Transpose() };
        switch (tensors.A.DType, tensors.Y.DType)
        {
            case (DType.BFloat16, DType.BFloat16): Mma<TActivation, Brain16, ushort, ushort, BrainMma>(activation, aligned); break;
            case (DType.BFloat16, _): Mma<TActivation, Single32, float, ushort, BrainMma>(activation, aligned); break;
            case (DType.Float16, DType.Float16): Mma<TActivation, Half16, ushort, ushort, HalfMma>(activation, aligned); break;
            case (DType.Float16, _): Mma<TActivation, Single32, float, ushort, HalfMma>(activation, aligned); break;
            default: Mma<TActivation, Single32, float, float, TensorFloatMma>(activation, aligned); break;
        }

        // Copies are free for others as soon as the product is queued: one stream, in order.
        if (left.Storage != tensors.A.Storage) left.Release();
        if (right.Storage != tensors.B.Storage) right.Release();
    }

    // [..., rows, K] whose rows, or whose columns where fragments can be turned, start at multiples of 16 bytes; else a copy.
    static Tensor Aligned(Tensor x, bool turns)
    {
        int piece = 16 / x.DType.Size();
        int dense = x.Strides[^1] == 1 ? x.Rank - 1 : turns && x.Strides[^2] == 1 ? x.Rank - 2 : -1;
        bool aligned = dense >= 0 && x.Offset % piece == 0;
        for (int axis = 0; axis < x.Rank && aligned; axis++)
            aligned = axis == dense || x.Shape[axis] == 1 || x.Strides[axis] % piece == 0;
        if (aligned) return x;
        int depth = x.Shape[^1];
        Tensor copy = Tensor.Empty(x.Shape.With(x.Rank - 1, (depth + piece - 1) / piece * piece), x.DType, x.Device).Slice(-1, 0, depth);
        x.Backend.Copy(x, copy);
        return copy;
    }

    void Mma<TActivation, TElement, TWord, TOperandWord, TType>(TActivation activation, ProductTensors tensors)
        where TActivation : struct, IUnary
        where TElement : struct, IGpuElement<TWord, Scalar32>
        where TWord : unmanaged
        where TOperandWord : unmanaged
        where TType : struct, IMmaType
    {
        ProductLayout layout = new(tensors.A, tensors.B, tensors.Y, tensors.Linear);
        (ArrayView<TOperandWord> a, int aOrigin) = GpuRuntime.Reach<TOperandWord>(tensors.A);
        (ArrayView<TOperandWord> b, int bOrigin) = GpuRuntime.Reach<TOperandWord>(tensors.B);
        MatrixPlaces left = layout.APlaces(aOrigin), right = layout.BPlaces(bOrigin), turned = right with { Row = right.Column, Column = right.Row };
        bool leftAlongK = left.Column == 1, rightAlongK = right.Row == 1;
        MmaArguments<TActivation, TWord, Scalar32> arguments = new()
        {
            A = a.LoadEffectiveAddressAsPtr(),
            B = b.LoadEffectiveAddressAsPtr(),
            APlaces = MatrixPlaces.InPieces(left, leftAlongK, 1),
            BPlaces = MatrixPlaces.InPieces(turned, rightAlongK, 1),
            Sizes = layout.Sizes(MmaProduct.Tile, MmaProduct.Tile),
            Result = Result<TActivation, TWord, Scalar32>(activation, tensors, layout),
        };

        GpuStorage? partial = Cut(ref arguments.Sizes, ref arguments.Result, 512, Runtime.Accelerator.NumMultiprocessors);
        long groups = Groups(arguments.Sizes);
        switch (leftAlongK, rightAlongK)
        {
            case (true, true): Runtime.Launch(MmaProduct.Run<TActivation, TElement, TWord, Scalar32, TType, DenseAlongK, DenseAlongK>, groups, arguments, MmaProduct.SharedBytes); break;
            case (true, false): Runtime.Launch(MmaProduct.Run<TActivation, TElement, TWord, Scalar32, TType, DenseAlongK, DenseAcrossK>, groups, arguments, MmaProduct.SharedBytes); break;
            case (false, true): Runtime.Launch(MmaProduct.Run<TActivation, TElement, TWord, Scalar32, TType, DenseAcrossK, DenseAlongK>, groups, arguments, MmaProduct.SharedBytes); break;
            default: Runtime.Launch(MmaProduct.Run<TActivation, TElement, TWord, Scalar32, TType, DenseAcrossK, DenseAcrossK>, groups, arguments, MmaProduct.SharedBytes); break;
        }

        SumPieces<TActivation, TElement, TWord, Scalar32>(arguments.Sizes, arguments.Result, partial);
        GC.KeepAlive(tensors);
    }
}

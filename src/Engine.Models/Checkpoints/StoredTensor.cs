using Engine.Tensors;

namespace Engine.Models;

/// <summary>Between a tensor and its bytes in a safetensors file.</summary>
static class StoredTensor
{
    // What rounds to infinity from here on: half a step above the largest float16, 65504.
    const float Float16Limit = 65520;

    /// <summary>A floating tensor of a file, in the type it is stored in and without a copy: see <see cref="SafeTensors.Map"/>.</summary>
    /// <exception cref="CheckpointException">It is no float.</exception>
    public static Tensor Read(ShardedSafeTensors weights, SafeTensorItem item, Shape shape) =>
        item.Type is SafeTensorType.F32 or SafeTensorType.F64 or SafeTensorType.F16 or SafeTensorType.BF16
            ? weights.Map(item.Name).Reshape(shape)
            : throw new CheckpointException(weights.FilePath, $"{item.Type.Name()} found; weights are read as F32, F64, F16 or BF16", item.Name);

    /// <summary>The bytes of a tensor in an element type.</summary>
    public static byte[] Bytes(Tensor tensor, SafeTensorType type)
    {
        using StepScope temporaries = StepScope.Begin();
        Tensor dense = tensor.To(TypeOf(type)).Contiguous();
        byte[] bytes = new byte[(long)dense.ElementCount * dense.DType.Size()];
        dense.Backend.Read(dense.Storage, dense.Offset * dense.DType.Size(), bytes);
        GC.KeepAlive(dense);
        return bytes;
    }

    /// <summary>The bytes of a file's tensor in another element type.</summary>
    /// <exception cref="CheckpointException">A number is too large for the type.</exception>
    public static byte[] Recast(ShardedSafeTensors weights, SafeTensorItem item, SafeTensorType type)
    {
        using StepScope temporaries = StepScope.Begin();
        Tensor values = Read(weights, item, [checked((int)item.ElementCount)]);
        if (type == SafeTensorType.F16 && item.Type != SafeTensorType.F16) CheckRange(values, weights.FilePath, item.Name);
        return Bytes(values, type);
    }

    /// <summary>Refuses numbers that float16 does not reach.</summary>
    public static void CheckRange(Tensor values, string path, string name)
    {
        foreach (float value in values.To(DType.Float32).ToArray<float>())
            if (MathF.Abs(value) >= Float16Limit && float.IsFinite(value))
                throw new CheckpointException(path, FormattableString.Invariant($"holds {value}, and float16 ends at 65504; choose bfloat16"), name);
    }

    static DType TypeOf(SafeTensorType type) => type switch
    {
        SafeTensorType.F64 => DType.Float64,
        SafeTensorType.F16 => DType.Float16,
        SafeTensorType.BF16 => DType.BFloat16,
        _ => DType.Float32,
    };
}

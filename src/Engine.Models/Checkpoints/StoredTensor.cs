using System.Runtime.InteropServices;
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

    /// <summary>The bytes of a file's tensor in another element type, part by part: it may be larger than memory.</summary>
    /// <param name="file">The file.</param>
    /// <param name="name">A floating tensor in it.</param>
    /// <param name="type">The other type.</param>
    /// <param name="partLength">Elements of a part.</param>
    /// <exception cref="CheckpointException">A number is too large for the type.</exception>
    public static IEnumerable<byte[]> Recast(SafeTensors file, string name, SafeTensorType type, int partLength = 1 << 22)
    {
        SafeTensorItem item = file.Items[name];
        for (long done = 0; done < item.ElementCount; done += partLength)
            yield return Recast(file, item, type, done, (int)Math.Min(partLength, item.ElementCount - done));
    }

    static byte[] Recast(SafeTensors file, SafeTensorItem item, SafeTensorType type, long first, int count)
    {
        using StepScope temporaries = StepScope.Begin();
        int size = TypeOf(item.Type).Size();
        ReadOnlySpan<byte> bytes = file.Read(item.Name, first * size, count * size);
        Tensor values = item.Type switch
        {
            SafeTensorType.F32 => Tensor.From(MemoryMarshal.Cast<byte, float>(bytes), [count]),
            SafeTensorType.F64 => Tensor.From(MemoryMarshal.Cast<byte, double>(bytes), [count]),
            SafeTensorType.F16 => Tensor.From(MemoryMarshal.Cast<byte, Half>(bytes), [count]),
            _ => Tensor.From(MemoryMarshal.Cast<byte, ushort>(bytes), [count]),
        };
        if (type == SafeTensorType.F16) CheckRange(values, file.FilePath, item.Name);
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

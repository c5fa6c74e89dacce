using System.Runtime.InteropServices;
using Engine.Models;
using Engine.Tensors;

namespace Engine.Training;

/// <summary>Tensors and texts in a safetensors file, bit for bit.</summary>
static class TensorFile
{
    /// <summary>Writes a file; it appears under its name only when whole.</summary>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    public static void Save(string path, IReadOnlyDictionary<string, Tensor> tensors, IEnumerable<KeyValuePair<string, string>> texts)
    {
        IEnumerable<SafeTensorItem> items = tensors.Select(named => new SafeTensorItem(named.Key, TypeOf(path, named.Key, named.Value.DType), Extents(named.Value)));
        SafeTensors.Create(path, items, writer =>
        {
            foreach ((string name, Tensor tensor) in tensors)
                writer.Write(name, TypeOf(path, name, tensor.DType), Extents(tensor), Bytes(tensor));
        }, texts);
    }

    /// <summary>Copies the tensors of an open file to a device.</summary>
    /// <param name="file">The file.</param>
    /// <param name="prefix">Only tensors whose names begin so; it is cut off.</param>
    /// <param name="device">Where they go.</param>
    /// <exception cref="CheckpointException">A tensor is of a type that the engine has not.</exception>
    public static Dictionary<string, Tensor> Read(SafeTensors file, string prefix, Device device)
    {
        Dictionary<string, Tensor> tensors = [];
        foreach (SafeTensorItem item in file.Items.Values)
            if (item.Name.StartsWith(prefix, StringComparison.Ordinal)) tensors[item.Name[prefix.Length..]] = Read(file, item, device);
        return tensors;
    }

    static Tensor Read(SafeTensors file, SafeTensorItem item, Device device)
    {
        int[] extents = new int[item.Shape.Length];
        for (int axis = 0; axis < extents.Length; axis++) extents[axis] = checked((int)item.Shape[axis]);
        Shape shape = Shape.Create(extents);
        return item.Type switch
        {
            SafeTensorType.F32 => Tensor.From(file.Read<float>(item.Name), shape, device),
            SafeTensorType.F64 => Tensor.From(file.Read<double>(item.Name), shape, device),
            SafeTensorType.I64 => Tensor.From(file.Read<long>(item.Name), shape, device),
            SafeTensorType.I32 => Tensor.From(file.Read<int>(item.Name), shape, device),
            SafeTensorType.BOOL => Tensor.From(file.Read<bool>(item.Name), shape, device),
            _ => throw new CheckpointException(file.FilePath, $"holds {item.Type.Name()}; F32, F64, I64, I32 or BOOL expected", item.Name),
        };
    }

    static ReadOnlySpan<byte> Bytes(Tensor tensor) => tensor.DType switch
    {
        DType.Float32 => MemoryMarshal.AsBytes<float>(tensor.ToArray<float>()),
        DType.Float64 => MemoryMarshal.AsBytes<double>(tensor.ToArray<double>()),
        DType.Int64 => MemoryMarshal.AsBytes<long>(tensor.ToArray<long>()),
        DType.Int32 => MemoryMarshal.AsBytes<int>(tensor.ToArray<int>()),
        _ => MemoryMarshal.AsBytes<bool>(tensor.ToArray<bool>()),
    };

    static SafeTensorType TypeOf(string path, string name, DType type) => type switch
    {
        DType.Float32 => SafeTensorType.F32,
        DType.Float64 => SafeTensorType.F64,
        DType.Int64 => SafeTensorType.I64,
        DType.Int32 => SafeTensorType.I32,
        DType.Bool => SafeTensorType.BOOL,
        _ => throw new CheckpointException(path, $"a state of {type} cannot be saved", name),
    };

    static long[] Extents(Tensor tensor)
    {
        long[] extents = new long[tensor.Shape.Rank];
        for (int axis = 0; axis < extents.Length; axis++) extents[axis] = tensor.Shape[axis];
        return extents;
    }
}

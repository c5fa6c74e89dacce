namespace Engine.Models;

/// <summary>One tensor of a safetensors file: its name, type and shape, and where its bytes lie.</summary>
public sealed class SafeTensorItem
{
    readonly long[] shape;

    /// <summary>A tensor to be written; see <see cref="SafeTensors.Create(string, IEnumerable{SafeTensorItem}, Action{SafeTensorsWriter}, IEnumerable{KeyValuePair{string, string}}, TensorOrder)"/>.</summary>
    /// <param name="name">Any text but <c>__metadata__</c>.</param>
    /// <param name="type">Element type.</param>
    /// <param name="shape">Sizes, none negative; empty for a scalar.</param>
    /// <exception cref="ArgumentException">
    /// A size is negative, the bits are more than 2^63 - 1, or packed elements do not fill whole bytes.
    /// </exception>
    public SafeTensorItem(string name, SafeTensorType type, params ReadOnlySpan<long> shape)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (Measure(type, shape, out long elements, out long bytes) is string problem)
            throw new ArgumentException($"Tensor \"{name}\": {problem}.", nameof(shape));
        (Name, Type, ElementCount, ByteLength, this.shape) = (name, type, elements, bytes, shape.ToArray());
    }

    SafeTensorItem(SafeTensorItem item, long byteOffset) =>
        (Name, Type, ElementCount, ByteLength, shape, ByteOffset) =
        (item.Name, item.Type, item.ElementCount, item.ByteLength, item.shape, byteOffset);

    /// <summary>The tensor's name.</summary>
    public string Name { get; }

    /// <summary>Element type.</summary>
    public SafeTensorType Type { get; }

    /// <summary>Sizes, outermost first; empty for a scalar.</summary>
    public ReadOnlySpan<long> Shape => shape;

    /// <summary>Number of elements: the product of the sizes, 1 for a scalar.</summary>
    public long ElementCount { get; }

    /// <summary>First byte, counted from the end of the header; 0 for an item that was never in a file.</summary>
    public long ByteOffset { get; }

    /// <summary>Bytes the elements take.</summary>
    public long ByteLength { get; }

    /// <summary>For messages, such as <c>w: F32 [2, 3]</c>.</summary>
    public override string ToString() => $"{Name}: {Describe(Type, shape)}";

    internal SafeTensorItem At(long byteOffset) => new(this, byteOffset);

    internal static string Describe(SafeTensorType type, ReadOnlySpan<long> shape) =>
        $"{type.Name()} [{string.Join(", ", shape.ToArray())}]";

    /// <summary>Counts elements and bytes. Returns what is wrong with the shape, or null.</summary>
    internal static string? Measure(SafeTensorType type, ReadOnlySpan<long> shape, out long elements, out long bytes)
    {
        (elements, bytes) = (1, 0);
        foreach (long size in shape)
        {
            if (size < 0)
                return $"shape {Describe(type, shape)} has the negative size {size}";
            if (size != 0 && elements > long.MaxValue / size)
                return $"shape {Describe(type, shape)} overflows 64 bits";
            elements *= size;
        }
        if (elements > long.MaxValue / type.Bits())
            return $"shape {Describe(type, shape)} overflows 64 bits";
        long bits = elements * type.Bits();
        if (bits % 8 != 0)
            return $"{Describe(type, shape)} takes {bits} bits, which are no whole bytes";
        bytes = bits / 8;
        return null;
    }
}

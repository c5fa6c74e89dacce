namespace Engine.Models;

/// <summary>Names and sizes of <see cref="SafeTensorType"/>, and the .NET types that hold its elements.</summary>
public static class SafeTensorTypes
{
    static readonly string[] Names = Enum.GetNames<SafeTensorType>();       // the values are 0, 1, 2, ...

    /// <summary>The type's name in a safetensors header, such as <c>BF16</c>.</summary>
    public static string Name(this SafeTensorType type) => Names[(int)type];

    /// <summary>The type of that name; names are case-sensitive, as in the reference reader.</summary>
    /// <returns>False for a name the format does not know.</returns>
    public static bool TryParse(string name, out SafeTensorType type)
    {
        int index = Array.IndexOf(Names, name);
        type = (SafeTensorType)Math.Max(index, 0);
        return index >= 0;
    }

    /// <summary>Bits of one element: 4 and 6 for the packed types, else a multiple of 8.</summary>
    public static int Bits(this SafeTensorType type) => type switch
    {
        SafeTensorType.F4 => 4,
        SafeTensorType.F6_E2M3 or SafeTensorType.F6_E3M2 => 6,
        <= SafeTensorType.F8_E5M2FNUZ => 8,
        <= SafeTensorType.BF16 => 16,
        <= SafeTensorType.F32 => 32,
        <= SafeTensorType.U64 => 64,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "not a type of the safetensors format"),
    };

    /// <summary>
    /// Whether elements of <paramref name="type"/> may be seen as <typeparamref name="T"/>: the .NET type of the same
    /// meaning, or for types .NET lacks the unsigned integer with the same bits (ushort for BF16 and F16, byte for the
    /// 8-bit and packed floats and for BOOL).
    /// </summary>
    public static bool Holds<T>(this SafeTensorType type) where T : unmanaged => type switch
    {
        SafeTensorType.BOOL => typeof(T) == typeof(bool) || typeof(T) == typeof(byte),
        SafeTensorType.I8 => typeof(T) == typeof(sbyte),
        <= SafeTensorType.F8_E5M2FNUZ => typeof(T) == typeof(byte),
        SafeTensorType.I16 => typeof(T) == typeof(short),
        SafeTensorType.F16 => typeof(T) == typeof(Half) || typeof(T) == typeof(ushort),
        SafeTensorType.U16 or SafeTensorType.BF16 => typeof(T) == typeof(ushort),
        SafeTensorType.I32 => typeof(T) == typeof(int),
        SafeTensorType.U32 => typeof(T) == typeof(uint),
        SafeTensorType.F32 => typeof(T) == typeof(float),
        SafeTensorType.F64 => typeof(T) == typeof(double),
        SafeTensorType.I64 => typeof(T) == typeof(long),
        SafeTensorType.U64 => typeof(T) == typeof(ulong),
        _ => false,                                             // C64: .NET has no complex number of two floats
    };

    /// <summary>The type that stores <typeparamref name="T"/>, such as F32 for float.</summary>
    /// <exception cref="ArgumentException">The format has no such type, or one must be named (BF16 as ushort).</exception>
    public static SafeTensorType Of<T>() where T : unmanaged =>
        typeof(T) == typeof(float) ? SafeTensorType.F32
        : typeof(T) == typeof(double) ? SafeTensorType.F64
        : typeof(T) == typeof(Half) ? SafeTensorType.F16
        : typeof(T) == typeof(long) ? SafeTensorType.I64
        : typeof(T) == typeof(int) ? SafeTensorType.I32
        : typeof(T) == typeof(short) ? SafeTensorType.I16
        : typeof(T) == typeof(sbyte) ? SafeTensorType.I8
        : typeof(T) == typeof(ulong) ? SafeTensorType.U64
        : typeof(T) == typeof(uint) ? SafeTensorType.U32
        : typeof(T) == typeof(ushort) ? SafeTensorType.U16
        : typeof(T) == typeof(byte) ? SafeTensorType.U8
        : typeof(T) == typeof(bool) ? SafeTensorType.BOOL
        : throw new ArgumentException($"The safetensors format has no type for {typeof(T)}: name the type and write bytes.");
}

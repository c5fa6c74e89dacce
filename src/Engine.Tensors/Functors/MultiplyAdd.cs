using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>a * b + c.</summary>
public readonly struct MultiplyAdd : ITernary
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T a, T b, T c) where T : struct, ILane<T> => T.MulAdd(a, b, c);
}

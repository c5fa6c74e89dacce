using System.Runtime.InteropServices;

namespace Engine.Tensors;

/// <summary>The elements of a vector [D] side by side: in place where they lie so, else a copy. Nothing for null.</summary>
unsafe ref struct DenseVector<T> where T : unmanaged
{
    T* copy;

    public DenseVector(Tensor? vector)
    {
        if (vector is null) return;
        Pointer = CpuBackend.Pointer<T>(vector);
        if (vector.IsContiguous) return;
        int length = vector.Shape[0], stride = vector.Strides[0];
        copy = (T*)NativeMemory.Alloc((nuint)length, (nuint)sizeof(T));
        for (int i = 0; i < length; i++) copy[i] = Pointer[(nint)i * stride];
        Pointer = copy;
    }

    /// <summary>The first element, or null.</summary>
    public T* Pointer { get; }

    public void Dispose()
    {
        NativeMemory.Free(copy);
        copy = null;
    }
}

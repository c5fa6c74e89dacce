using System.Runtime.InteropServices;

namespace Engine.Tensors;

/// <summary>Aligned native memory that a thread keeps for its packed panels; it grows to what was asked most and goes with the thread.</summary>
sealed unsafe class GemmScratch
{
    const int Alignment = 4096;

    [ThreadStatic] static GemmScratch? blocks;
    [ThreadStatic] static GemmScratch? panels;

    byte* memory;
    nuint size;

    /// <summary>This thread's block of a.</summary>
    public static T* Block<T>(long elements) where T : unmanaged => (T*)(blocks ??= new()).Room((nuint)(elements * sizeof(T)));

    /// <summary>This thread's panels of b, which the other threads of a loop may read.</summary>
    public static T* Panels<T>(long elements) where T : unmanaged => (T*)(panels ??= new()).Room((nuint)(elements * sizeof(T)));

    byte* Room(nuint bytes)
    {
        if (bytes > size)
        {
            NativeMemory.AlignedFree(memory);
            memory = null;
            size = 0;
            memory = (byte*)NativeMemory.AlignedAlloc(bytes, Alignment);
            size = bytes;
        }

        return memory;
    }

    ~GemmScratch() => NativeMemory.AlignedFree(memory);
}

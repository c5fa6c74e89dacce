using Engine.Tensors;
using ILGPU;
using ILGPU.Runtime;

namespace Engine.Gpu;

/// <summary>
/// What a kernel found wrong with its data, an index out of range. The kernel notes it in the device's memory and goes on
/// with a harmless value; the host hears of it when it next waits for the device anyway.
/// </summary>
sealed class DeviceFaults
{
    const int Words = 4;

    readonly AcceleratorStream stream;
    readonly MemoryBuffer1D<int, Stride1D.Dense> record;
    readonly int[] read = new int[Words];
    readonly List<string> operations = [""];

    // Once true it stays so: another thread may be between naming its operation and queueing its kernel.
    volatile bool possible;

    public DeviceFaults(Accelerator accelerator, AcceleratorStream stream)
    {
        this.stream = stream;
        record = accelerator.Allocate1D<int>(Words);
        record.View.CopyFromCPU(stream, read);
    }

    /// <summary>Where a kernel of the named operation notes a fault.</summary>
    public FaultRecord For(string operation)
    {
        int number = operations.IndexOf(operation);
        if (number < 0)
        {
            number = operations.Count;
            operations.Add(operation);
        }

        possible = true;
        return new() { Words = record.View, Operation = number };
    }

    /// <summary>Reads the record, once a kernel that may write to it has been asked for.</summary>
    /// <exception cref="ShapeException">There is a fault; it is forgotten after this.</exception>
    public void Check()
    {
        if (!possible) return;
        record.View.CopyToCPU(stream, read);
        if (read[0] == 0) return;
        (int operation, int index, int place, int extent) = (read[0], read[1], read[2], read[3]);
        Array.Clear(read);
        record.View.CopyFromCPU(stream, read);
        throw new ShapeException(
            $"{operations[operation]}: index {index} at place {place} lies outside an axis of extent {extent} (0 to {extent - 1}). Results since the last read are not valid.");
    }
}

/// <summary>The fault record as a kernel sees it.</summary>
struct FaultRecord
{
    /// <summary>Operation, index, place, extent; operation 0 for none.</summary>
    public ArrayView<int> Words;

    /// <summary>The number of the operation that is running.</summary>
    public int Operation;

    /// <summary>The index if it is in range, else 0, with a note: the first one counts.</summary>
    public static int Checked(FaultRecord record, int index, int place, int extent)
    {
        if (index >= 0 && index < extent) return index;
        if (Atomic.CompareExchange(ref record.Words[0], 0, record.Operation) == 0)
        {
            record.Words[1] = index;
            record.Words[2] = place;
            record.Words[3] = extent;
        }

        return 0;
    }
}

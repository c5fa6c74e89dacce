using Engine.Tensors;

namespace Engine.Training;

/// <summary>
/// Pictures and masks ready for a model. The arrays belong to the loader's pool: dispose the batch when its values have been
/// copied or used, and they are reused.
/// </summary>
public sealed class SegmentationBatch : IDisposable
{
    readonly SegmentationBuffer buffer;
    Action<SegmentationBuffer>? giveBack;

    internal SegmentationBatch(SegmentationBuffer buffer, int number, int count, int size, Action<SegmentationBuffer> giveBack)
    {
        this.buffer = buffer;
        this.giveBack = giveBack;
        (Number, Count, Size) = (number, count, size);
    }

    /// <summary>The batch's place in its epoch, from 0.</summary>
    public int Number { get; }

    /// <summary>Pictures in it.</summary>
    public int Count { get; }

    /// <summary>Height and width of a picture.</summary>
    public int Size { get; }

    /// <summary>[Count, 3, Size, Size], normalised.</summary>
    /// <exception cref="ObjectDisposedException">The batch was disposed.</exception>
    public ReadOnlySpan<float> Pixels => Open().Pixels.AsSpan(0, Count * RgbImage.Channels * Size * Size);

    /// <summary>[Count, Size, Size], places in the dataset's class names or <see cref="LabelMask.Ignored"/>.</summary>
    /// <exception cref="ObjectDisposedException">The batch was disposed.</exception>
    public ReadOnlySpan<int> Labels => Open().Labels.AsSpan(0, Count * Size * Size);

    /// <summary>[Count], the pictures' numbers in the dataset.</summary>
    /// <exception cref="ObjectDisposedException">The batch was disposed.</exception>
    public ReadOnlySpan<int> Indices => Open().Indices.AsSpan(0, Count);

    /// <summary>How many pixels have a label that counts.</summary>
    public int CountedPixels => Labels.Length - Labels.Count(LabelMask.Ignored);

    /// <summary>Copies the batch to a device.</summary>
    /// <returns>Pixels, float32 [B, 3, S, S]; labels, int32 [B, S, S].</returns>
    public (Tensor Pixels, Tensor Labels) ToTensors(Device device) => (
        Tensor.From(Pixels, [Count, RgbImage.Channels, Size, Size], device),
        Tensor.From(Labels, [Count, Size, Size], device));

    /// <summary>Gives the arrays back.</summary>
    public void Dispose() => Interlocked.Exchange(ref giveBack, null)?.Invoke(buffer);

    SegmentationBuffer Open()
    {
        ObjectDisposedException.ThrowIf(giveBack is null, this);
        return buffer;
    }
}

/// <summary>The arrays of one full batch.</summary>
sealed class SegmentationBuffer(int count, int size)
{
    public float[] Pixels { get; } = GC.AllocateUninitializedArray<float>(checked(count * RgbImage.Channels * size * size));

    public int[] Labels { get; } = new int[count * size * size];

    public int[] Indices { get; } = new int[count];
}

namespace Engine.Training;

/// <summary>
/// Images ready for a model. The arrays belong to the loader's pool: dispose the batch when its values have been
/// copied or used, and they are reused; a batch that is never disposed is left to the garbage collector.
/// </summary>
public sealed class Batch : IDisposable
{
    readonly BatchBuffer buffer;
    Action<BatchBuffer>? giveBack;

    internal Batch(BatchBuffer buffer, int number, int count, int size, Action<BatchBuffer> giveBack)
    {
        this.buffer = buffer;
        this.giveBack = giveBack;
        Number = number;
        Count = count;
        Size = size;
    }

    /// <summary>The batch's place in its epoch, from 0.</summary>
    public int Number { get; }

    /// <summary>Images in it.</summary>
    public int Count { get; }

    /// <summary>Height and width of an image.</summary>
    public int Size { get; }

    /// <summary>[Count, 3, Size, Size], normalised.</summary>
    /// <exception cref="ObjectDisposedException">The batch was disposed.</exception>
    public ReadOnlySpan<float> Pixels => Open().Pixels.AsSpan(0, Count * RgbImage.Channels * Size * Size);

    /// <summary>[Count], places in the dataset's class names.</summary>
    /// <exception cref="ObjectDisposedException">The batch was disposed.</exception>
    public ReadOnlySpan<int> Labels => Open().Labels.AsSpan(0, Count);

    /// <summary>[Count], the images' numbers in the dataset.</summary>
    /// <exception cref="ObjectDisposedException">The batch was disposed.</exception>
    public ReadOnlySpan<int> Indices => Open().Indices.AsSpan(0, Count);

    /// <summary>Gives the arrays back.</summary>
    public void Dispose() => Interlocked.Exchange(ref giveBack, null)?.Invoke(buffer);

    BatchBuffer Open()
    {
        ObjectDisposedException.ThrowIf(giveBack is null, this);
        return buffer;
    }
}

/// <summary>The arrays of one full batch.</summary>
sealed class BatchBuffer(int count, int pixelsPerImage)
{
    public float[] Pixels { get; } = GC.AllocateUninitializedArray<float>(checked(count * pixelsPerImage));

    public int[] Labels { get; } = new int[count];

    public int[] Indices { get; } = new int[count];
}

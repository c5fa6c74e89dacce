using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Models;

/// <summary>How a map of one size is cut into windows of M x M patches, shifted or not (Liu et al. 2021, section 3.2 and figure 4).</summary>
public sealed class WindowLayout
{
    // Added to the score of two patches that only the cyclic shift has brought together.
    const float Apart = -100;

    readonly int height, width, side;
    readonly int wholeHeight, wholeWidth;           // padded to whole windows
    readonly Permutation? order;                    // from rows of the map to window after window; null where they are the same

    /// <summary>The layout of maps of one size.</summary>
    /// <param name="height">Rows H of the map.</param>
    /// <param name="width">Columns W of the map.</param>
    /// <param name="side">Side M of a window.</param>
    /// <param name="shift">How far a shifted layout moves; 0 for one that is not.</param>
    /// <param name="rule">What happens at the border.</param>
    /// <param name="like">Says where the layout's tensors lie and of which type they are.</param>
    public WindowLayout(int height, int width, int side, int shift, WindowRule rule, Tensor like)
    {
        ArgumentNullException.ThrowIfNull(like);
        (this.height, this.width, this.side) = (height, width, side);
        (wholeHeight, wholeWidth) = (Whole(height), Whole(width));
        Axis rows = Cut(height, wholeHeight), columns = Cut(width, wholeWidth);
        using StepScope outside = StepScope.Outside();
        int[] places = Places(rows, columns);
        order = IsInOrder(places) ? null : Permutation.Of(places, like.Device);
        if (rows.Shift > 0 || columns.Shift > 0) Mask = CreateMask(rows, columns, like);

        int Whole(int extent) => (extent + side - 1) / side * side;

        Axis Cut(int extent, int whole) => rule switch
        {
            WindowRule.Shrink => new(extent, whole, side, extent > side ? shift : 0),       // the map itself turns, the padding stays
            WindowRule.Pad => new(whole, whole, side, whole > side ? shift : 0),
            _ => new(whole, whole, side, shift),
        };
    }

    /// <summary>N: patches of a window.</summary>
    public int Length => side * side;

    /// <summary>What is added to a shifted layout's scores, [windows, 1, N, N]: it hides neighbours that are none in the image.</summary>
    public Tensor? Mask { get; }

    /// <summary>True if this is the layout of a map.</summary>
    public bool Fits(Variable x) => x is { Rank: 4 } && x.Shape[1] == height && x.Shape[2] == width;

    /// <summary>Cuts maps into windows: one copy, whether they are shifted or not.</summary>
    /// <param name="x">[B, H, W, C]</param>
    /// <returns>[B * windows, N, C], a map's windows row by row</returns>
    public Variable Split(Variable x)
    {
        ArgumentNullException.ThrowIfNull(x);
        int batch = x.Shape[0], channels = x.Shape[3];
        if (wholeHeight > height || wholeWidth > width)
            x = Functions.Pad(x, [0, 0, 0, wholeWidth - width, 0, wholeHeight - height]);
        x = Functions.Reshape(x, batch, wholeHeight * wholeWidth, channels);
        if (order is not null) x = Functions.Reorder(x, 1, order);
        return Functions.Reshape(x, -1, Length, channels);
    }

    /// <summary>Puts windows together again.</summary>
    /// <param name="x">[B * windows, N, C]</param>
    /// <returns>[B, H, W, C]</returns>
    public Variable Merge(Variable x)
    {
        ArgumentNullException.ThrowIfNull(x);
        int channels = x.Shape[2];
        x = Functions.Reshape(x, -1, wholeHeight * wholeWidth, channels);
        if (order is not null) x = Functions.Reorder(x, 1, order.Inverse);
        x = Functions.Reshape(x, x.Shape[0], wholeHeight, wholeWidth, channels);
        if (wholeHeight > height) x = Functions.Slice(x, 1, 0, height);
        return wholeWidth > width ? Functions.Slice(x, 2, 0, width) : x;
    }

    // One side of a map: the first `Turning` of its `Whole` places move by the shift.
    readonly record struct Axis(int Turning, int Whole, int Side, int Shift)
    {
        public int Windows => Whole / Side;

        /// <summary>What comes to a place of the shifted map.</summary>
        public int Source(int place) => place < Turning ? (place + Shift) % Turning : place;

        /// <summary>Places of one region were together before the shift.</summary>
        public int Region(int place) => Shift == 0 || place < Whole - Side ? 0 : place < Whole - Shift ? 1 : 2;
    }

    // Window after window, row after row in each.
    int[] Places(Axis rows, Axis columns)
    {
        int[] places = new int[rows.Whole * columns.Whole];
        int next = 0;
        foreach ((int row, int column) in Patches(rows, columns)) places[next++] = rows.Source(row) * columns.Whole + columns.Source(column);
        return places;
    }

    Tensor CreateMask(Axis rows, Axis columns, Tensor like)
    {
        int windows = rows.Windows * columns.Windows;
        int[] regions = [.. Patches(rows, columns).Select(patch => 3 * rows.Region(patch.Row) + columns.Region(patch.Column))];
        float[] mask = new float[windows * Length * Length];
        for (int i = 0; i < regions.Length; i++)
        {
            int first = i / Length * Length;
            for (int j = 0; j < Length; j++)
                if (regions[i] != regions[first + j]) mask[i * Length + j] = Apart;
        }

        return Tensor.From<float>(mask, [windows, 1, Length, Length], like.Device).To(like.DType.Accumulated());
    }

    IEnumerable<(int Row, int Column)> Patches(Axis rows, Axis columns)
    {
        for (int top = 0; top < rows.Whole; top += side)
            for (int left = 0; left < columns.Whole; left += side)
                for (int row = top; row < top + side; row++)
                    for (int column = left; column < left + side; column++)
                        yield return (row, column);
    }

    static bool IsInOrder(int[] places)
    {
        for (int i = 0; i < places.Length; i++)
            if (places[i] != i) return false;
        return true;
    }
}

/// <summary>The layout of a stage's blocks, kept from one step to the next: it only depends on the map's size.</summary>
sealed class Windows(int side, int shift, WindowRule rule)
{
    WindowLayout? last;

    /// <summary>The layout for maps.</summary>
    /// <param name="x">[B, H, W, C]</param>
    public WindowLayout Over(Variable x)
    {
        WindowLayout? layout = last;
        return layout is not null && layout.Fits(x) ? layout
            : last = new(x.Shape[1], x.Shape[2], side, shift, rule, x.Value);
    }
}

using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>Arguments of <see cref="Windows"/>: dense images [Planes, Height, Width] and columns [Planes, KernelHeight * KernelWidth, Rows * Places].</summary>
struct WindowArguments<TWord> where TWord : unmanaged
{
    public ArrayView<TWord> Images, Columns;
    public int Height, Width, KernelHeight, KernelWidth, Stride, Padding, Dilation;

    /// <summary>Rows of windows, and windows of a row.</summary>
    public int Rows, Places;

    public float PaddingValue;
    public int Count;
}

/// <summary>Windows of images as columns, and back.</summary>
static class Windows
{
    /// <summary>A thread reads one element of a window; neighbours read neighbours, a stride apart.</summary>
    public static void Unfold<TElement, TWord, TLane>(WindowArguments<TWord> a)
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int item = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (item >= a.Count) return;
        int rest = item / a.Places, place = item - rest * a.Places, line = rest / a.Rows, row = rest - line * a.Rows;
        rest = line / a.KernelWidth;
        int j = line - rest * a.KernelWidth, plane = rest / a.KernelHeight, i = rest - plane * a.KernelHeight;
        int y = row * a.Stride - a.Padding + i * a.Dilation, x = place * a.Stride - a.Padding + j * a.Dilation;
        bool inside = y >= 0 && y < a.Height && x >= 0 && x < a.Width;
        a.Columns[item] = inside ? a.Images[(plane * a.Height + y) * a.Width + x] : TElement.Store(TLane.Of(a.PaddingValue));
    }

    /// <summary>A thread adds up all window elements that show one pixel, in the order of the window's elements.</summary>
    public static void Fold<TElement, TWord, TLane>(WindowArguments<TWord> a)
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int item = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (item >= a.Count) return;
        int rest = item / a.Width, x = item - rest * a.Width, plane = rest / a.Height, y = rest - plane * a.Height;
        TLane sum = TLane.Of(0.0);
        for (int i = 0; i < a.KernelHeight; i++)
        {
            int down = y + a.Padding - i * a.Dilation, row = down / a.Stride;
            if (down < 0 || row * a.Stride != down || row >= a.Rows) continue;
            for (int j = 0; j < a.KernelWidth; j++)
            {
                int across = x + a.Padding - j * a.Dilation, place = across / a.Stride;
                if (across < 0 || place * a.Stride != across || place >= a.Places) continue;
                int line = (plane * a.KernelHeight + i) * a.KernelWidth + j;
                sum += TElement.Load(a.Columns[(line * a.Rows + row) * a.Places + place]);
            }
        }

        a.Images[item] = TElement.Store(sum);
    }
}

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Engine.Tensors;

/// <summary>
/// Copies blocks of a and b into panels: for every step along K the rows (of a) or columns (of b) of one register tile are
/// neighbours, so that the micro-kernel reads nothing but consecutive memory of T, whatever the operands' strides and stored
/// element type.
/// </summary>
/// <remarks>Rows of a and columns of b are the same thing here: lines. A panel is <c>width</c> lines; the last one is filled up.</remarks>
static unsafe class GemmPacking<TLane, T>
    where TLane : struct, IVectorLane<TLane, T>
    where T : unmanaged
{
    // Steps that are copied from all panels before the next ones: rows of the source are read along, not across.
    const int StepsAtOnce = 16;

    /// <summary>Packs lines into consecutive panels of depth * width elements.</summary>
    /// <param name="source">The first step of the first line.</param>
    /// <param name="lineStride">Elements from one line to the next.</param>
    /// <param name="depthStride">Elements from one step along K to the next.</param>
    /// <param name="lines">How many lines there are.</param>
    /// <param name="depth">Steps along K.</param>
    /// <param name="width">Lines of a panel: the rows or the columns of a tile.</param>
    /// <param name="target">Room for the panels.</param>
    public static void Pack(T* source, nint lineStride, nint depthStride, int lines, int depth, int width, T* target) =>
        Pack((PlainWeight<T>*)source, lineStride, depthStride, lines, depth, width, target);

    /// <inheritdoc cref="Pack(T*, nint, nint, int, int, int, T*)"/>
    public static void Pack<TWeight>(TWeight* source, nint lineStride, nint depthStride, int lines, int depth, int width, T* target)
        where TWeight : unmanaged, IWeight<TWeight, T>
    {
        bool transpose = depthStride == 1 && lineStride != 1 && sizeof(T) == 4 && width >= 4 && CanTranspose;
        int whole = lines / width;
        if (lineStride == 1) PackNeighbours(source, depthStride, whole, depth, width, target);
        for (int panel = lineStride == 1 ? whole : 0; panel * width < lines; panel++)
        {
            TWeight* first = source + (nint)panel * width * lineStride;
            T* to = target + (nint)panel * width * depth;
            int present = Math.Min(width, lines - panel * width);
            if (transpose) PackTransposed(first, lineStride, present, depth, width, (float*)to);
            else PackPart(first, lineStride, depthStride, present, depth, width, to);
        }
    }

    static bool CanTranspose => Sse.IsSupported || AdvSimd.Arm64.IsSupported;

    // Any strides, fewer lines than a panel has.
    static void PackPart<TWeight>(TWeight* source, nint lineStride, nint depthStride, int present, int depth, int width, T* target)
        where TWeight : unmanaged, IWeight<TWeight, T>
    {
        for (int p = 0; p < depth; p++, source += depthStride, target += width)
        {
            TWeight* from = source;
            int line = 0;
            for (; line < present; line++, from += lineStride) target[line] = TWeight.Widen(*from);
            for (; line < width; line++) target[line] = default;
        }
    }

    // The lines of a step lie side by side already. Both widths are constants to the JIT, which unrolls the copies.
    static void PackNeighbours<TWeight>(TWeight* source, nint depthStride, int panels, int depth, int width, T* target)
        where TWeight : unmanaged, IWeight<TWeight, T>
    {
        for (int start = 0; start < depth; start += StepsAtOnce)
        {
            int steps = Math.Min(StepsAtOnce, depth - start);
            for (int panel = 0; panel < panels; panel++)
            {
                TWeight* from = source + start * depthStride + (nint)panel * width;
                T* to = target + ((nint)panel * depth + start) * width;
                if (width == GemmTile<TLane, T>.Columns)
                {
                    for (int p = 0; p < steps; p++, from += depthStride, to += GemmTile<TLane, T>.Columns)
                    {
                        TLane left = TWeight.Load<TLane>(from), right = TWeight.Load<TLane>(from + TLane.Count);
                        TLane.Store(left, to);
                        TLane.Store(right, to + TLane.Count);
                    }
                }
                else
                {
                    // The rows of a, which is never narrow.
                    for (int p = 0; p < steps; p++, from += depthStride, to += GemmTile<TLane, T>.Rows)
                        Unsafe.CopyBlockUnaligned(to, from, (uint)(GemmTile<TLane, T>.Rows * sizeof(T)));
                }
            }
        }
    }

    // The steps of a line lie side by side (a row-major, b transposed, as weights [out, in] are): squares of 4 x 4 are
    // transposed in registers. A width of 6 ends with half a square. Lines that the last panel lacks repeat its last one:
    // their sums are never stored.
    static void PackTransposed<TWeight>(TWeight* source, nint lineStride, int present, int depth, int width, float* target)
        where TWeight : unmanaged, IWeight<TWeight, T>
    {
        int last = present - 1, p = 0;
        for (; p + 4 <= depth; p += 4)
        {
            float* to = target + (nint)p * width;
            TWeight* from = source + p;
            for (int line = 0; line < width; line += 4)
            {
                Vector128<float> a = Four(from + Math.Min(line, last) * lineStride), b = Four(from + Math.Min(line + 1, last) * lineStride);
                Vector128<float> c = Four(from + Math.Min(line + 2, last) * lineStride), d = Four(from + Math.Min(line + 3, last) * lineStride);
                Vector128<float> ac = ZipLow(a, c), bd = ZipLow(b, d), ca = ZipHigh(a, c), db = ZipHigh(b, d);
                float* square = to + line;
                if (width - line >= 4)
                {
                    Vector128.Store(ZipLow(ac, bd), square);
                    Vector128.Store(ZipHigh(ac, bd), square + width);
                    Vector128.Store(ZipLow(ca, db), square + 2 * width);
                    Vector128.Store(ZipHigh(ca, db), square + 3 * width);
                }
                else
                {
                    Vector64.Store(ZipLow(ac, bd).GetLower(), square);
                    Vector64.Store(ZipHigh(ac, bd).GetLower(), square + width);
                    Vector64.Store(ZipLow(ca, db).GetLower(), square + 2 * width);
                    Vector64.Store(ZipHigh(ca, db).GetLower(), square + 3 * width);
                }
            }
        }

        for (; p < depth; p++)
            for (int line = 0; line < width; line++) ((T*)target)[(nint)p * width + line] = TWeight.Widen(source[Math.Min(line, last) * lineStride + p]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> Four<TWeight>(TWeight* source) where TWeight : unmanaged, IWeight<TWeight, T> =>
        TWeight.Load<Lane128<T>>(source).Value.AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> ZipLow(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackLow(a, b) : AdvSimd.Arm64.ZipLow(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> ZipHigh(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackHigh(a, b) : AdvSimd.Arm64.ZipHigh(a, b);
}

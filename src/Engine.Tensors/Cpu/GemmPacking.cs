using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Engine.Tensors;

/// <summary>
/// Copies blocks of a and b into panels: for every step along K the rows (of a) or columns (of b) of one register tile are
/// neighbours, so that the micro-kernel reads nothing but consecutive memory, whatever the operands' strides.
/// </summary>
/// <remarks>Rows of a and columns of b are the same thing here: lines. A panel is <c>width</c> lines; the last one is filled up with zeros.</remarks>
static unsafe class GemmPacking<T> where T : unmanaged
{
    /// <summary>Elements a panel may write beyond its end; the room behind the last one.</summary>
    public const int Slack = 8;

    /// <summary>Packs lines into consecutive panels of depth * width elements.</summary>
    /// <param name="source">The first step of the first line.</param>
    /// <param name="lineStride">Elements from one line to the next.</param>
    /// <param name="depthStride">Elements from one step along K to the next.</param>
    /// <param name="lines">How many lines there are.</param>
    /// <param name="depth">Steps along K.</param>
    /// <param name="width">Lines of a panel.</param>
    /// <param name="target">Room for the panels and <see cref="Slack"/>.</param>
    public static void Pack(T* source, nint lineStride, nint depthStride, int lines, int depth, int width, T* target)
    {
        for (int line = 0; line < lines; line += width)
        {
            int present = Math.Min(width, lines - line);
            T* first = source + line * lineStride;
            if (present < width) PackPart(first, lineStride, depthStride, present, depth, width, target);
            else if (lineStride == 1) PackNeighbours(first, depthStride, depth, width, target);
            else if (depthStride == 1 && sizeof(T) == 4 && CanTranspose) PackTransposed((float*)first, lineStride, depth, width, (float*)target);
            else PackPart(first, lineStride, depthStride, present, depth, width, target);
            target += (nint)width * depth;
        }
    }

    static bool CanTranspose => Sse.IsSupported || AdvSimd.Arm64.IsSupported;

    // Any strides, a line at a time: reads along the line, which is what is most likely to be dense.
    static void PackPart(T* source, nint lineStride, nint depthStride, int present, int depth, int width, T* target)
    {
        for (int line = 0; line < width; line++)
        {
            T* to = target + line, from = source + line * lineStride;
            if (line < present)
                for (int p = 0; p < depth; p++, to += width, from += depthStride) *to = *from;
            else
                for (int p = 0; p < depth; p++, to += width) *to = default;
        }
    }

    // The lines of a step lie side by side already.
    static void PackNeighbours(T* source, nint depthStride, int depth, int width, T* target)
    {
        uint bytes = (uint)(width * sizeof(T));
        for (int p = 0; p < depth; p++, source += depthStride, target += width)
        {
            byte* from = (byte*)source, to = (byte*)target;
            uint done = 0;
            for (; done + 32 <= bytes; done += 32) Vector256.Store(Vector256.Load(from + done), to + done);
            if (done + 16 <= bytes)
            {
                Vector128.Store(Vector128.Load(from + done), to + done);
                done += 16;
            }

            if (done < bytes) Unsafe.WriteUnaligned(to + done, Unsafe.ReadUnaligned<long>(from + done));
        }
    }

    // The steps of a line lie side by side (a row-major, b transposed, as weights [out, in] are): squares of 4 x 4 are
    // transposed in registers. Widths that 4 does not divide (6) end with a square of which two lines are stored for nothing,
    // over the next step's first two; going from the last square to the first puts those right again.
    static void PackTransposed(float* source, nint lineStride, int depth, int width, float* target)
    {
        int p = 0;
        for (; p + 4 <= depth; p += 4)
        {
            float* to = target + (nint)p * width, from = source + p;
            for (int line = (width - 1) / 4 * 4; line >= 0; line -= 4)
            {
                float* row = from + line * lineStride;
                int last = width - 1 - line;
                Vector128<float> a = Vector128.Load(row), b = Vector128.Load(row + lineStride);
                Vector128<float> c = Vector128.Load(row + Math.Min(2, last) * lineStride), d = Vector128.Load(row + Math.Min(3, last) * lineStride);
                Vector128<float> ac = ZipLow(a, c), bd = ZipLow(b, d), ca = ZipHigh(a, c), db = ZipHigh(b, d);
                Vector128.Store(ZipLow(ac, bd), to + line);
                Vector128.Store(ZipHigh(ac, bd), to + line + width);
                Vector128.Store(ZipLow(ca, db), to + line + 2 * width);
                Vector128.Store(ZipHigh(ca, db), to + line + 3 * width);
            }
        }

        for (; p < depth; p++)
            for (int line = 0; line < width; line++) target[(nint)p * width + line] = source[line * lineStride + p];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> ZipLow(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackLow(a, b) : AdvSimd.Arm64.ZipLow(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> ZipHigh(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackHigh(a, b) : AdvSimd.Arm64.ZipHigh(a, b);
}

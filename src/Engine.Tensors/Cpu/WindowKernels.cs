namespace Engine.Tensors;

/// <summary>Windows as columns, and back. Planes [H, W] are independent: they are what threads share.</summary>
readonly struct WindowKernel(bool fold, Tensor image, WindowOptions options, Tensor columns) : ISimdKernel
{
    readonly bool fold = fold;
    readonly Tensor image = image, columns = columns;
    readonly WindowOptions options = options;

    public unsafe void Run<TLane, T>()
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        T* images = CpuBackend.Pointer<T>(image), windows = CpuBackend.Pointer<T>(columns);
        Plane plane = new(options, image.Shape[2], image.Shape[3]);
        long imageSize = (long)plane.Height * plane.Width, columnSize = (long)columns.Shape[2] * columns.Shape[3];
        bool fold = this.fold;
        Rows.ForEach((long)image.Shape[0] * image.Shape[1], columnSize, index =>
        {
            if (fold) plane.Fold(windows + index * columnSize, images + index * imageSize);
            else plane.Unfold(images + index * imageSize, windows + index * columnSize);
        });
    }

    readonly struct Plane(WindowOptions options, int height, int width)
    {
        readonly WindowOptions options = options;
        readonly int rows = options.OutputHeight(height), places = options.OutputWidth(width);

        public int Height { get; } = height;

        public int Width { get; } = width;

        public unsafe void Unfold<T>(T* x, T* y) where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
        {
            T padding = T.CreateTruncating(options.PaddingValue);
            for (int i = 0; i < options.KernelHeight; i++)
            {
                for (int j = 0; j < options.KernelWidth; j++)
                {
                    (int begin, int end) = Inside(j);
                    for (int row = 0; row < rows; row++, y += places)
                    {
                        int source = row * options.Stride - options.Padding + i * options.Dilation;
                        if ((uint)source >= (uint)Height)
                        {
                            new Span<T>(y, places).Fill(padding);
                            continue;
                        }

                        T* line = x + (long)source * Width - options.Padding + j * options.Dilation;
                        for (int place = 0; place < begin; place++) y[place] = padding;
                        if (options.Stride == 1) new ReadOnlySpan<T>(line + begin, end - begin).CopyTo(new Span<T>(y + begin, end - begin));
                        else for (int place = begin; place < end; place++) y[place] = line[place * options.Stride];
                        for (int place = end; place < places; place++) y[place] = padding;
                    }
                }
            }
        }

        public unsafe void Fold<T>(T* x, T* y) where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
        {
            new Span<T>(y, Height * Width).Clear();
            for (int i = 0; i < options.KernelHeight; i++)
            {
                for (int j = 0; j < options.KernelWidth; j++)
                {
                    (int begin, int end) = Inside(j);
                    for (int row = 0; row < rows; row++, x += places)
                    {
                        int target = row * options.Stride - options.Padding + i * options.Dilation;
                        if ((uint)target >= (uint)Height) continue;
                        T* line = y + (long)target * Width - options.Padding + j * options.Dilation;
                        for (int place = begin; place < end; place++) line[place * options.Stride] += x[place];
                    }
                }
            }
        }

        // The windows whose column j lies inside the image: begin .. end.
        (int Begin, int End) Inside(int j)
        {
            int shift = j * options.Dilation - options.Padding;
            int begin = shift >= 0 ? 0 : (-shift + options.Stride - 1) / options.Stride;
            int end = Width - shift <= 0 ? 0 : (Width - shift - 1) / options.Stride + 1;
            begin = Math.Min(begin, places);
            return (begin, Math.Clamp(end, begin, places));
        }
    }
}

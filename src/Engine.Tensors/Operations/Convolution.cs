namespace Engine.Tensors;

/// <summary>Two-dimensional convolution (cross-correlation, as everywhere in deep learning) and its gradients, as matrix products over windows.</summary>
public static class Convolution
{
    /// <summary>Convolution of images with a bank of kernels.</summary>
    /// <param name="x">[B, C, H, W]</param>
    /// <param name="weight">[O, C / groups, KH, KW]</param>
    /// <param name="bias">[O], or null.</param>
    /// <param name="stride">Step between windows.</param>
    /// <param name="padding">Zeros added on every side.</param>
    /// <param name="dilation">Distance between a window's elements.</param>
    /// <param name="groups">Into how many independent parts channels fall.</param>
    /// <returns>[B, O, OH, OW]. Where windows tile the image (a patch embedding) it is a view of [B, OH, OW, O], so that tokens [B, OH * OW, O] cost no copy.</returns>
    /// <exception cref="ShapeException">The shapes do not fit, or there is no room for a window.</exception>
    public static Tensor Conv2d(Tensor x, Tensor weight, Tensor? bias = null, int stride = 1, int padding = 0, int dilation = 1, int groups = 1)
    {
        Require.Alike("Conv2d", x, weight);
        Require.Floating("Conv2d", x);
        Geometry geometry = Check("Conv2d", x.Shape, weight.Shape, stride, padding, dilation, groups);
        if (bias is not null)
        {
            Require.Alike("Conv2d", x, bias);
            Require.Shape("Conv2d", "the bias", bias, [geometry.OutChannels]);
        }

        return geometry.Tiles ? Patches(x, weight, bias, geometry) : Windows(x, weight, bias, geometry);
    }

    /// <summary>dL/dx [B, C, H, W] from dy [B, O, OH, OW].</summary>
    public static Tensor Conv2dInputGradient(Tensor dy, Tensor weight, Shape input, int stride = 1, int padding = 0, int dilation = 1, int groups = 1)
    {
        Require.Alike("Conv2dInputGradient", dy, weight);
        Geometry g = Check("Conv2dInputGradient", input, weight.Shape, stride, padding, dilation, groups);
        Require.Shape("Conv2dInputGradient", "dy", dy, g.Output);
        Tensor dx = dy.EmptyLike(input);
        if (dx.ElementCount == 0) return dx;
        if (g.Tiles)
        {
            Tensor patches = dy.EmptyLike([g.Batch * g.Positions, g.KernelElements]);
            MatMul(Rows(dy, g), weight.Reshape(g.OutChannels, g.KernelElements), patches, false);
            dx.CopyFrom(Unpatched(patches, g));
            patches.Release();
            return dx;
        }

        Tensor columns = dy.EmptyLike([g.Batch, g.Groups, g.KernelElements, g.Positions]);
        Tensor kernels = Kernels(weight, g).Transpose().Expand([g.Batch, g.Groups, g.KernelElements, g.GroupOut]);
        MatMul(kernels, dy.Reshape(g.Batch, g.Groups, g.GroupOut, g.Positions), columns, false);
        dy.Backend.Fold(columns.Reshape(g.Batch, g.Channels, g.WindowSize, g.Positions), g.Window, dx);
        columns.Release();
        return dx;
    }

    /// <summary>dL/dweight [O, C / groups, KH, KW] from dy [B, O, OH, OW] and x [B, C, H, W]; images are added up in order, in float32 for operands of 16 bits.</summary>
    public static Tensor Conv2dWeightGradient(Tensor dy, Tensor x, Shape weight, int stride = 1, int padding = 0, int dilation = 1, int groups = 1)
    {
        Require.Alike("Conv2dWeightGradient", dy, x);
        Geometry g = Check("Conv2dWeightGradient", x.Shape, weight, stride, padding, dilation, groups);
        Require.Shape("Conv2dWeightGradient", "dy", dy, g.Output);
        Tensor dweight = x.EmptyLike(weight, x.DType.Accumulated());
        if (dweight.ElementCount == 0) return dweight;
        if (dy.ElementCount == 0)
        {
            dweight.Backend.Fill(0, dweight);
            return dweight;
        }

        if (g.Tiles)
        {
            Tensor patches = Patched(x, g);
            MatMul(Rows(dy, g).Transpose(), patches, dweight.Reshape(g.OutChannels, g.KernelElements), false);
            patches.Release();
            return dweight;
        }

        // One image after another: windows of a whole batch would take KH * KW times its memory.
        Tensor target = Kernels(dweight, g), columns = x.EmptyLike([1, g.Channels, g.WindowSize, g.Positions]);
        for (int image = 0; image < g.Batch; image++)
        {
            x.Backend.Unfold(x.Slice(0, image, image + 1).Contiguous(), g.Window, columns);
            Tensor side = columns.Reshape(g.Groups, g.KernelElements, g.Positions).Transpose();
            MatMul(dy.Select(0, image).Reshape(g.Groups, g.GroupOut, g.Positions), side, target, accumulate: image > 0);
        }

        columns.Release();
        return dweight;
    }

    /// <summary>dL/dbias [O] from dy [B, O, OH, OW]; float32 for 16 bits.</summary>
    public static Tensor Conv2dBiasGradient(Tensor dy) => Reduction.Sum(dy, [0, 2, 3]);

    static Tensor Windows(Tensor x, Tensor weight, Tensor? bias, Geometry g)
    {
        Tensor y = x.EmptyLike(g.Output);
        if (y.ElementCount == 0) return y;
        Tensor columns = x.EmptyLike([g.Batch, g.Channels, g.WindowSize, g.Positions]);
        x.Backend.Unfold(x.Contiguous(), g.Window, columns);
        Tensor kernels = Kernels(weight, g).Expand([g.Batch, g.Groups, g.GroupOut, g.KernelElements]);
        MatMul(kernels, columns.Reshape(g.Batch, g.Groups, g.KernelElements, g.Positions), y.Reshape(g.Batch, g.Groups, g.GroupOut, g.Positions), false);
        columns.Release();
        if (bias is not null) Elementwise.MapInto(default(Add), y, bias.Reshape(g.OutChannels, 1, 1), y);
        return y;
    }

    static Tensor Patches(Tensor x, Tensor weight, Tensor? bias, Geometry g)
    {
        Tensor y = x.EmptyLike([g.Batch, g.OutHeight, g.OutWidth, g.OutChannels]);
        if (y.ElementCount > 0)
        {
            Tensor patches = Patched(x, g);
            Tensor kernels = weight.Reshape(g.OutChannels, g.KernelElements).Transpose();
            x.Backend.MatMul(default(Identity), patches, kernels, bias?.Contiguous(), y.Reshape(g.Batch * g.Positions, g.OutChannels), null, false);
            patches.Release();
        }

        return y.Permute(0, 3, 1, 2);
    }

    // [B * OH * OW, C * KH * KW]: one strided copy, each pixel once.
    static Tensor Patched(Tensor x, Geometry g)
    {
        Tensor cut = x.Slice(2, 0, g.OutHeight * g.KernelHeight).Slice(3, 0, g.OutWidth * g.KernelWidth).Contiguous();
        return cut.Reshape(g.Batch, g.Channels, g.OutHeight, g.KernelHeight, g.OutWidth, g.KernelWidth)
            .Permute(0, 2, 4, 1, 3, 5).Clone().Reshape(g.Batch * g.Positions, g.KernelElements);
    }

    // The way back, as a view; pixels right and below of the last whole window got no part in y.
    static Tensor Unpatched(Tensor patches, Geometry g)
    {
        Tensor image = patches.Reshape(g.Batch, g.OutHeight, g.OutWidth, g.Channels, g.KernelHeight, g.KernelWidth)
            .Permute(0, 3, 1, 4, 2, 5).Reshape(g.Batch, g.Channels, g.OutHeight * g.KernelHeight, g.OutWidth * g.KernelWidth);
        int right = g.Width - image.Shape[3], below = g.Height - image.Shape[2];
        return right == 0 && below == 0 ? image : Joining.Pad(image, [0, right, 0, below]);
    }

    // dy as [B * OH * OW, O]: no copy where it came from tokens.
    static Tensor Rows(Tensor dy, Geometry g) => dy.Permute(0, 2, 3, 1).Reshape(g.Batch * g.Positions, g.OutChannels);

    static Tensor Kernels(Tensor weight, Geometry g) => weight.Reshape(g.Groups, g.GroupOut, g.KernelElements);

    static void MatMul(Tensor a, Tensor b, Tensor y, bool accumulate) => y.Backend.MatMul(default(Identity), a, b, null, y, null, accumulate);

    static Geometry Check(string operation, Shape x, Shape weight, int stride, int padding, int dilation, int groups)
    {
        if (x.Rank != 4 || weight.Rank != 4)
            throw new ShapeException($"{operation}: x is {x}, expected [B, C, H, W]; weight is {weight}, expected [O, C / groups, KH, KW].");
        if (stride < 1 || padding < 0 || dilation < 1 || groups < 1)
            throw new ShapeException($"{operation}: stride {stride}, padding {padding}, dilation {dilation}, groups {groups}: all but the padding are at least 1, the padding at least 0.");
        if (x[1] != weight[1] * groups || weight[0] % groups != 0)
            throw new ShapeException($"{operation}: weight {weight} with {groups} groups does not fit the channels of x {x}.");
        Geometry geometry = new(x, weight, new(weight[2], weight[3], stride, padding, dilation), groups);
        if (weight[2] < 1 || weight[3] < 1 || geometry.OutHeight < 1 || geometry.OutWidth < 1)
            throw new ShapeException($"{operation}: a window of {weight[2..]} with dilation {dilation} does not fit into {x[2..]} with padding {padding}.");
        return geometry;
    }

    readonly struct Geometry(Shape x, Shape weight, WindowOptions window, int groups)
    {
        public WindowOptions Window { get; } = window;

        public int Groups { get; } = groups;

        public int Batch { get; } = x[0];

        public int Channels { get; } = x[1];

        public int Height { get; } = x[2];

        public int Width { get; } = x[3];

        public int OutChannels { get; } = weight[0];

        public int OutHeight { get; } = window.OutputHeight(x[2]);

        public int OutWidth { get; } = window.OutputWidth(x[3]);

        public int KernelHeight => Window.KernelHeight;

        public int KernelWidth => Window.KernelWidth;

        public int WindowSize => KernelHeight * KernelWidth;

        public int GroupOut => OutChannels / Groups;

        // Elements one output is a product of: the columns of the kernel matrix.
        public int KernelElements => Channels / Groups * WindowSize;

        public int Positions => OutHeight * OutWidth;

        public Shape Output => [Batch, OutChannels, OutHeight, OutWidth];

        // Windows that touch but do not overlap.
        public bool Tiles => Groups == 1 && Window.Padding == 0 && Window.Dilation == 1 && Window.Stride == KernelHeight && KernelHeight == KernelWidth;
    }
}

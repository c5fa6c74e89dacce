using Engine.Models;
using static TorchSharp.torch;

namespace Engine.Peers;

/// <summary>The Swin transformer in plain TorchSharp calls, as timm writes it: rolls, window views, an added bias and mask.</summary>
sealed class TorchSwin(SwinTransformer model) : TorchModel(model)
{
    readonly SwinConfig config = model.Config;
    readonly Tensor index = tensor([.. RelativePositionBias.Rows(model.Config.WindowSize).Select(row => (long)row)]);
    readonly Dictionary<long, Tensor> masks = [];

    /// <param name="images">[B, 3, H, W]</param>
    /// <returns>[B, classes]</returns>
    public Tensor Forward(Tensor images)
    {
        Tensor x = Patches(images, "backbone.patch_embedding", config.PatchSize).permute(0, 2, 3, 1);          // [B, H, W, C]
        x = Norm(x, "backbone.patch_norm", config.Epsilon);
        for (int stage = 0; stage < config.Stages; stage++)
        {
            string name = $"backbone.stages.{stage}.";
            if (stage > 0) x = Merge(x, name + "merge");
            for (int i = 0; i < config.Depths[stage]; i++)
            {
                string block = $"{name}blocks.{i}.";
                x = x + AttendInWindows(Norm(x, block + "norm1", config.Epsilon), block, config.Heads[stage], i % 2 == 0 ? 0 : config.WindowSize / 2);
                x = x + Mlp(Norm(x, block + "norm2", config.Epsilon), block + "mlp");
            }
        }

        return Linear(Norm(x, "norm", config.Epsilon).mean([1, 2]), "head");
    }

    Tensor AttendInWindows(Tensor x, string block, int heads, int shift)           // [B, H, W, C]
    {
        long batch = x.shape[0], height = x.shape[1], width = x.shape[2], channels = x.shape[3], side = config.WindowSize, length = side * side;
        if (height <= side) shift = 0;
        if (shift > 0) x = x.roll([-shift, -shift], [1, 2]);
        Tensor windows = x.view(batch, height / side, side, width / side, side, channels).permute(0, 1, 3, 2, 4, 5).reshape(-1, length, channels);
        Tensor bias = this[block + "position_bias.table"][index].view(length, length, heads).permute(2, 0, 1).unsqueeze(0);     // [1, heads, N, N]
        if (shift > 0)
        {
            Tensor mask = Mask(height, width, shift);                               // [windows, N, N]
            bias = (bias + mask.unsqueeze(1)).repeat(batch, 1, 1, 1);               // [B * windows, heads, N, N]
        }

        Tensor y = Attend(windows, block + "attn", heads, bias);
        y = y.view(batch, height / side, width / side, side, side, channels).permute(0, 1, 3, 2, 4, 5).reshape(batch, height, width, channels);
        return shift > 0 ? y.roll([shift, shift], [1, 2]) : y;
    }

    Tensor Mask(long height, long width, int shift)
    {
        if (masks.TryGetValue(height, out Tensor? mask)) return mask;
        long side = config.WindowSize;
        float[] regions = new float[height * width];
        for (long row = 0; row < height; row++)
            for (long column = 0; column < width; column++) regions[row * width + column] = 3 * Region(row, height) + Region(column, width);
        Tensor parts = tensor(regions).view(height / side, side, width / side, side).permute(0, 2, 1, 3).reshape(-1, side * side);
        mask = (parts.unsqueeze(1) - parts.unsqueeze(2)).ne(0).to(ScalarType.Float32) * -100;
        return masks[height] = mask.DetachFromDisposeScope();

        long Region(long place, long extent) => place < extent - side ? 0 : place < extent - shift ? 1 : 2;
    }

    Tensor Merge(Tensor x, string name)                                             // [B, H, W, C] -> [B, H / 2, W / 2, 2C]
    {
        long batch = x.shape[0], height = x.shape[1] / 2, width = x.shape[2] / 2, channels = x.shape[3];
        x = x.reshape(batch, height, 2, width, 2, channels).permute(0, 1, 3, 4, 2, 5).flatten(3);
        return Linear(Norm(x, name + ".norm", config.Epsilon), name + ".reduction");
    }
}

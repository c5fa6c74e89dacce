using Engine.Tensors;

namespace Engine.Training;

/// <summary>What a stream of random numbers is for: the top byte of the stream, so that one seed serves them all apart.</summary>
enum RandomPurpose : byte
{
    /// <summary>The order of an epoch.</summary>
    Shuffle = 1,

    /// <summary>The augmentation of one sample in one epoch.</summary>
    Augment = 2,

    /// <summary>The split of a dataset.</summary>
    Split = 3,

    /// <summary>One drawn image.</summary>
    Draw = 4,

    /// <summary>Dropout and drop path while training; initial values have the streams below all purposes.</summary>
    Regularize = 5,

    /// <summary>The corruption of one image.</summary>
    Corrupt = 6,
}

static class RandomPurposes
{
    /// <summary>Streams of a purpose, one after the other.</summary>
    public static RandomSource Source(this RandomPurpose purpose, ulong seed) => new(seed, (ulong)purpose << 56);

    /// <summary>The stream of a purpose for two numbers: 24 bits of <paramref name="high"/>, 32 of <paramref name="low"/>.</summary>
    public static Philox Stream(this RandomPurpose purpose, ulong seed, int high, int low) =>
        new(seed, (ulong)purpose << 56 | ((ulong)(uint)high & 0xFFFFFF) << 32 | (uint)low);
}

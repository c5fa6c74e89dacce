using Engine.Tensors;

namespace Engine.Gpu;

/// <summary>
/// An element type as a kernel sees it: a word in memory, a lane in registers. Arithmetic runs in the lane; 16-bit words are
/// widened exactly and rounded to nearest even.
/// </summary>
/// <typeparam name="TWord">What lies in memory.</typeparam>
/// <typeparam name="TLane">What is computed with.</typeparam>
interface IGpuElement<TWord, TLane>
    where TWord : unmanaged
    where TLane : unmanaged, ILane<TLane>
{
    /// <summary>The word's value.</summary>
    static abstract TLane Load(TWord word);

    /// <summary>The nearest word.</summary>
    static abstract TWord Store(TLane lane);

    /// <summary>The lane's value as a float32; the sum of its parts where it has several.</summary>
    static abstract float ToSingle(TLane lane);
}

/// <summary>32-bit floats: the working type.</summary>
readonly struct Single32 : IGpuElement<float, Scalar32>
{
    public static Scalar32 Load(float word) => new(word);

    public static float Store(Scalar32 lane) => lane.Value;

    public static float ToSingle(Scalar32 lane) => lane.Value;
}

/// <summary>32-bit floats, four at a time: for arrays whose parts begin at multiples of four elements.</summary>
readonly struct Single32x4 : IGpuElement<Scalar32x4, Scalar32x4>
{
    public static Scalar32x4 Load(Scalar32x4 word) => word;

    public static Scalar32x4 Store(Scalar32x4 lane) => lane;

    public static float ToSingle(Scalar32x4 lane) => Scalar32x4.Sum(lane);
}

/// <summary>64-bit floats, where the device has them: gradient checks.</summary>
readonly struct Double64 : IGpuElement<double, Scalar64>
{
    public static Scalar64 Load(double word) => new(word);

    public static double Store(Scalar64 lane) => lane.Value;

    public static float ToSingle(Scalar64 lane) => (float)lane.Value;
}

/// <summary>bfloat16 in memory, float32 in registers.</summary>
readonly struct Brain16 : IGpuElement<ushort, Scalar32>
{
    public static Scalar32 Load(ushort word) => new(NarrowFloats.FromBrain(word));

    public static ushort Store(Scalar32 lane) => NarrowFloats.ToBrain(lane.Value);

    public static float ToSingle(Scalar32 lane) => lane.Value;
}

/// <summary>float16 in memory, float32 in registers.</summary>
readonly struct Half16 : IGpuElement<ushort, Scalar32>
{
    public static Scalar32 Load(ushort word) => new(NarrowFloats.FromHalf(word));

    public static ushort Store(Scalar32 lane) => NarrowFloats.ToHalf(lane.Value);

    public static float ToSingle(Scalar32 lane) => lane.Value;
}

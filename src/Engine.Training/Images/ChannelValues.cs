namespace Engine.Training;

/// <summary>One value for each of the channels red, green, blue.</summary>
public readonly record struct ChannelValues(float Red, float Green, float Blue)
{
    /// <summary>The same value for every channel.</summary>
    public static ChannelValues All(float value) => new(value, value, value);

    /// <summary>Channel 0, 1 or 2.</summary>
    public float this[int channel] => channel switch
    {
        0 => Red,
        1 => Green,
        2 => Blue,
        _ => throw new ArgumentOutOfRangeException(nameof(channel), channel, "An RGB image has channels 0, 1 and 2."),
    };
}

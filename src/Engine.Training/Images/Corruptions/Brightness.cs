namespace Engine.Training;

/// <summary>
/// See <see cref="Corruption.Brightness"/>: in HSV, V + raise, clipped at 1. V is the largest channel, and hue and saturation
/// stay the same exactly when all channels are multiplied by the same factor; black has neither and becomes grey.
/// </summary>
static class Brightness
{
    static readonly float[] Cifar = [0.05f, 0.1f, 0.15f, 0.2f, 0.3f];
    static readonly float[] ImageNet = [0.1f, 0.2f, 0.3f, 0.4f, 0.5f];         // and of Tiny ImageNet-C

    public static float Raise(CorruptionScale scale, int severity) => scale.At(severity, Cifar, ImageNet, ImageNet);

    public static void Apply(UnitImage image, float raise)
    {
        Span<float> red = image.Plane(0), green = image.Plane(1), blue = image.Plane(2);
        for (int i = 0; i < red.Length; i++)
        {
            float value = Math.Max(red[i], Math.Max(green[i], blue[i]));
            float raised = Math.Min(value + raise, 1);
            if (value == 0)
            {
                red[i] = green[i] = blue[i] = raised;
                continue;
            }
            float factor = raised / value;
            red[i] *= factor;
            green[i] *= factor;
            blue[i] *= factor;
        }
    }
}

using Engine.Tensors;

namespace Engine.Training;

/// <summary>
/// A cloud on a torus by the diamond-square algorithm (Fournier, Fussell, Carpenter 1982, "Computer rendering of stochastic
/// models"): from one corner of a square, the middle of each square is the mean of its four corners plus chance, then the
/// middle of each edge the mean of the four points around it plus chance; then the same at half the step. Chance is uniform
/// within +- a^2, and a, 100 at first, is divided by the decay at every halving. In the end scaled to 0 .. 1.
/// </summary>
sealed class PlasmaFractal
{
    const double FirstAmplitude = 100;

    readonly float[] values;

    /// <param name="extent">The least side; the next power of two is taken.</param>
    /// <param name="decay">Above 1: the larger, the smoother.</param>
    /// <param name="random">Decides the cloud.</param>
    public PlasmaFractal(int extent, double decay, Philox random)
    {
        Side = 2;
        while (Side < extent)
            Side *= 2;
        var map = new double[Side * Side];
        var chance = new PhiloxSequence(random);
        double amplitude = FirstAmplitude;
        for (int step = Side; step >= 2; step /= 2, amplitude /= decay)
        {
            int half = step / 2;
            double spread = amplitude * amplitude;
            for (int y = 0; y < Side; y += step)
                for (int x = 0; x < Side; x += step)
                    Set(x + half, y + half, At(x, y) + At(x + step, y) + At(x, y + step) + At(x + step, y + step));
            for (int y = 0; y < Side; y += step)
                for (int x = 0; x < Side; x += step)
                {
                    Set(x + half, y, At(x, y) + At(x + step, y) + At(x + half, y - half) + At(x + half, y + half));
                    Set(x, y + half, At(x, y) + At(x, y + step) + At(x - half, y + half) + At(x + half, y + half));
                }

            void Set(int x, int y, double sum) => map[y * Side + x] = sum / 4 + spread * (2 * chance.Uniform() - 1);
        }

        double low = map.Min(), range = map.Max() - low;
        values = new float[map.Length];
        for (int i = 0; i < map.Length; i++)
            values[i] = (float)((map[i] - low) / range);

        // The torus: a power of two, so the remainder is a mask, also of negative places.
        double At(int x, int y) => map[(y & Side - 1) * Side + (x & Side - 1)];
    }

    /// <summary>A power of two.</summary>
    public int Side { get; }

    /// <summary>[Side], 0 .. 1.</summary>
    public ReadOnlySpan<float> Row(int y) => values.AsSpan(y * Side, Side);
}

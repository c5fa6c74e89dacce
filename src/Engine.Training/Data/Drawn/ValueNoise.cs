using System.Numerics;

namespace Engine.Training;

/// <summary>Smooth random values over the plane: a hashed lattice, interpolated; several octaves halve in size and weight.</summary>
readonly struct ValueNoise(uint seed)
{
    /// <summary>About 0 .. 1, with features of about one unit and smaller.</summary>
    public float At(Vector2 place, int octaves)
    {
        float sum = 0, weight = 0.5f, total = 0;
        for (int octave = 0; octave < octaves; octave++)
        {
            sum += weight * Octave(place, (uint)octave);
            total += weight;
            weight *= 0.5f;
            place *= 2;
        }
        return sum / total;
    }

    float Octave(Vector2 place, uint octave)
    {
        float left = MathF.Floor(place.X), top = MathF.Floor(place.Y);
        float x = place.X - left, y = place.Y - top;
        x *= x * (3 - 2 * x);
        y *= y * (3 - 2 * y);
        int column = (int)left, row = (int)top;
        float upper = float.Lerp(Lattice(column, row, octave), Lattice(column + 1, row, octave), x);
        float lower = float.Lerp(Lattice(column, row + 1, octave), Lattice(column + 1, row + 1, octave), x);
        return float.Lerp(upper, lower, y);
    }

    /// <summary>A hash to 0 .. 1: multiply and xor-shift, the finaliser of MurmurHash3.</summary>
    float Lattice(int column, int row, uint octave)
    {
        uint hash = seed ^ (uint)column * 0x9E3779B9 ^ (uint)row * 0x85EBCA6B ^ octave * 0xC2B2AE35;
        hash = (hash ^ hash >> 16) * 0x85EBCA6B;
        hash = (hash ^ hash >> 13) * 0xC2B2AE35;
        return (hash >> 8) * (1f / (1 << 24));
    }
}

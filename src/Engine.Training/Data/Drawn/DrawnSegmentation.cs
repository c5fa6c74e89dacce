using System.Numerics;
using Engine.Tensors;

namespace Engine.Training;

/// <summary>
/// Pictures with one to four of the shapes of <see cref="DrawnDomains"/> and exact masks, in the same five visual domains: a
/// dataset for segmentation that needs no files. Picture i is a pure function of (seed, split, domain, i). Label 0 is the
/// ground, with all strokes on it; 1 to 10 are the shapes. The shapes of a picture share their colours, so that a class is
/// told by its outline alone.
/// </summary>
public sealed class DrawnSegmentation : ISegmentationDataset
{
    const int MaxShapes = 4, Tries = 40;
    const float MinRadius = 0.13f, MaxRadius = 0.24f;       // of the picture's side
    const float Room = 1.15f;                               // between two shapes' centres, in sums of their extents

    /// <summary>Keeps these pictures' streams apart from those of <see cref="DrawnDomains"/>.</summary>
    const int OwnStreams = 1 << 16;

    /// <summary>The classes' names: the ground, then the shapes.</summary>
    public static IReadOnlyList<string> Classes { get; } = ["background", .. DrawnDomains.Shapes];

    /// <summary>The side of a picture unless told otherwise.</summary>
    public const int DefaultSize = 64;

    readonly DrawnDomain[] domains;
    readonly ulong seed;
    readonly DrawnSplit split;
    readonly int picturesPerDomain, size;

    /// <summary>Some domains, one after the other.</summary>
    /// <param name="seed">Decides every picture.</param>
    /// <param name="split">Which of the disjoint sets.</param>
    /// <param name="domains">Which domains; picture i is of domain i / <paramref name="picturesPerDomain"/>.</param>
    /// <param name="picturesPerDomain">How many pictures of each.</param>
    /// <param name="size">The side of a picture in pixels, 16 or more.</param>
    public DrawnSegmentation(ulong seed, DrawnSplit split, IReadOnlyList<DrawnDomain> domains, int picturesPerDomain, int size = DefaultSize)
    {
        ArgumentNullException.ThrowIfNull(domains);
        ArgumentOutOfRangeException.ThrowIfZero(domains.Count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(picturesPerDomain);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 16);
        (this.seed, this.split, this.domains, this.picturesPerDomain, this.size) = (seed, split, [.. domains], picturesPerDomain, size);
        Count = checked(picturesPerDomain * domains.Count);
    }

    /// <inheritdoc/>
    public int Count { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames => Classes;

    /// <summary>The domain of a picture.</summary>
    public DrawnDomain Domain(int index) => domains[index / picturesPerDomain];

    /// <summary>The split, the domain and the number, as a file's name.</summary>
    public string Name(int index) =>
        $"{split.ToString().ToLowerInvariant()}_{Domain(index).ToString().ToLowerInvariant()}_{index % picturesPerDomain:D5}";

    /// <inheritdoc/>
    public SegmentationSample Load(int index) => Draw(seed, split, Domain(index), index % picturesPerDomain, size);

    /// <summary>Draws picture <paramref name="index"/> of a domain with its mask.</summary>
    public static SegmentationSample Draw(ulong seed, DrawnSplit split, DrawnDomain domain, int index, int size = DefaultSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        var source = RandomPurpose.Draw.Stream(seed, OwnStreams | (int)domain << 8 | (int)split, index);
        var random = new PhiloxSequence(source);
        var scenes = Scenes(size, ref random);
        var image = new RgbImage(size, size);
        var mask = new LabelMask(size, size);
        DrawnPainter.Paint(source, domain, scenes, random, image, mask);
        return new SegmentationSample(image, mask);
    }

    /// <summary>Shapes that do not touch: a place that is too near another is drawn again, and given up after some tries.</summary>
    static DrawnScene[] Scenes(int size, ref PhiloxSequence random)
    {
        int wanted = 1 + random.Below(MaxShapes);
        List<DrawnScene> scenes = [];
        for (int attempt = 0; attempt < Tries && scenes.Count < wanted; attempt++)
        {
            float radius = size * random.Uniform(MinRadius, MaxRadius);
            var center = new Vector2(random.Uniform(radius, size - radius), random.Uniform(radius, size - radius));
            if (scenes.Exists(other => Vector2.Distance(other.Center, center) < Room * ShapeDistance.Extent * (other.Radius + radius)))
                continue;
            scenes.Add(new DrawnScene((DrawnShape)random.Below(DrawnDomains.Shapes.Count), size, radius, center, ref random));
        }
        return [.. scenes];
    }
}

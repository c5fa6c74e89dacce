namespace Engine.Training;

/// <summary>
/// Ten classes of shapes drawn in five visual domains: a dataset that needs no files, for studying what fine-tuning on
/// one domain does to the others. Image i is a pure function of (seed, split, domain, i): the same on every run and
/// thread, and never stored. Place, size, tilt, proportions, colours, clutter and noise are random, so that the classes
/// can be told apart but not by any single pixel.
/// </summary>
/// <remarks>Classes take turns: image i of a domain is of class i % 10, so every range of ten is balanced.</remarks>
public sealed class DrawnDomains : IImageDataset
{
    /// <summary>The classes' names, in the order of <see cref="DrawnShape"/>.</summary>
    public static IReadOnlyList<string> Shapes { get; } = [.. Enum.GetNames<DrawnShape>().Select(name => name.ToLowerInvariant())];

    /// <summary>Every domain.</summary>
    public static IReadOnlyList<DrawnDomain> All { get; } = Enum.GetValues<DrawnDomain>();

    /// <summary>The side of an image unless told otherwise.</summary>
    public const int DefaultSize = 32;

    readonly DrawnDomain[] domains;
    readonly ulong seed;
    readonly DrawnSplit split;
    readonly int imagesPerDomain;
    readonly int size;

    /// <summary>Some domains, one after the other.</summary>
    /// <param name="seed">Decides every image.</param>
    /// <param name="split">Which of the disjoint sets.</param>
    /// <param name="domains">Which domains; image i is of domain i / <paramref name="imagesPerDomain"/>.</param>
    /// <param name="imagesPerDomain">How many images of each.</param>
    /// <param name="size">The side of an image in pixels, 8 or more.</param>
    public DrawnDomains(ulong seed, DrawnSplit split, IReadOnlyList<DrawnDomain> domains, int imagesPerDomain, int size = DefaultSize)
    {
        ArgumentNullException.ThrowIfNull(domains);
        ArgumentOutOfRangeException.ThrowIfZero(domains.Count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(imagesPerDomain);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 8);
        this.seed = seed;
        this.split = split;
        this.domains = [.. domains];
        this.imagesPerDomain = imagesPerDomain;
        this.size = size;
        Count = checked(imagesPerDomain * domains.Count);
    }

    /// <inheritdoc/>
    public int Count { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames => Shapes;

    /// <summary>The domain of an image.</summary>
    public DrawnDomain Domain(int index) => domains[index / imagesPerDomain];

    /// <inheritdoc/>
    public int Label(int index) => index % imagesPerDomain % Shapes.Count;

    /// <inheritdoc/>
    public RgbImage Load(int index) => Draw(seed, split, Domain(index), index % imagesPerDomain, size);

    /// <inheritdoc/>
    public string Describe(int index) => $"drawn {Domain(index).ToString().ToLowerInvariant()} {Shapes[Label(index)]} {index % imagesPerDomain}";

    /// <summary>Draws image <paramref name="index"/> of a domain; its class is index % 10.</summary>
    public static RgbImage Draw(ulong seed, DrawnSplit split, DrawnDomain domain, int index, int size = DefaultSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        var image = new RgbImage(size, size);
        var source = RandomPurpose.Draw.Stream(seed, (int)domain << 8 | (int)split, index);
        DrawnPainter.Paint(source, domain, (DrawnShape)(index % Shapes.Count), image);
        return image;
    }

    /// <summary>The first image of every class in every domain: a row a domain, a column a class.</summary>
    /// <param name="seed">Decides every image.</param>
    /// <param name="split">Which of the disjoint sets.</param>
    /// <param name="size">The side of an image in pixels.</param>
    /// <param name="zoom">How many pixels of the sheet a pixel of an image takes, each way.</param>
    public static RgbImage ContactSheet(ulong seed, DrawnSplit split = DrawnSplit.Train, int size = DefaultSize, int zoom = 1)
    {
        var images = new RgbImage[All.Count * Shapes.Count];
        for (int i = 0; i < images.Length; i++)
            images[i] = Draw(seed, split, All[i / Shapes.Count], i % Shapes.Count, size);
        return Training.ContactSheet.Of(images, Shapes.Count, zoom);
    }
}

using System.CommandLine;
using Engine.Training;

namespace Engine.Cli;

/// <summary>engine draw: data sets that need no download, and other looks of those there are.</summary>
static class DrawCommand
{
    static readonly Option<bool> Segmentation = new("--segmentation") { Description = "Pictures with masks, in the form of PASCAL VOC." };
    static readonly Option<bool> Domains = new("--domains") { Description = "Images in one folder a class, for each domain and split." };
    static readonly Option<string?> Source = new("--renderings") { Description = $"A folder of images, at any depth, to show as {string.Join(", ", Renderings.All.Select(rendering => rendering.Word()))}: domains made of real images." };
    static readonly Option<string> Target = new("--out") { Description = "A folder that does not exist yet.", Required = true };
    static readonly Option<int> Count = new("--count") { Description = "Training pictures of each domain; a fifth as many in the other splits.", DefaultValueFactory = _ => 500 };
    static readonly Option<int?> Size = new("--size") { Description = $"Side in pixels; {DrawnSegmentation.DefaultSize} for segmentation and {DrawnDomains.DefaultSize} for images without it." };
    static readonly Option<ulong> Seed = new("--seed") { Description = "Decides every picture.", DefaultValueFactory = _ => 1 };

    static readonly Option<string[]> Domain = new("--domain")
    {
        Description = $"Some of the domains {string.Join(", ", DrawnDomains.All.Select(Word))}; all without it.",
        AllowMultipleArgumentsPerToken = true,
    };

    public static Command Create()
    {
        Command command = Commands.Create("draw", "Draw a data set of shapes: images in folders, or pictures with masks.",
            "Ten shapes in five visual domains; every picture is a function of the seed, its domain, split and number.\n\n" +
            "  engine draw --segmentation --out drawn --count 1000 --domain filled photo\n" +
            "  engine pretrain --family upernet --data drawn --image 64 --patch 2 --width 32 --heads 1 --out run\n\n" +
            "  engine draw --domains --out domains\n" +
            "  engine pretrain --data domains/filled/train --val domains/filled/val --out run\n\n" +
            "  engine draw --renderings cifar10 --out renderings                renderings/edges/train/bird/0001.png and so on");
        foreach (Option option in (Option[])[Segmentation, Domains, Source, Target, Domain, Count, Size, Seed]) command.Add(option);
        Commands.Run(command, Run);
        return command;
    }

    static int Run(ParseResult parsed, CancellationToken cancellation)
    {
        bool masks = parsed.GetValue(Segmentation);
        string? source = parsed.GetValue(Source);
        if ((masks ? 1 : 0) + (parsed.GetValue(Domains) ? 1 : 0) + (source is null ? 0 : 1) != 1)
            throw new UsageException($"Choose one of {Segmentation.Name}, {Domains.Name} and {Source.Name}.");
        if (source is not null)
            foreach (Option idle in (Option[])[Domain, Count, Size, Seed])
                if (parsed.IsGiven(idle)) throw new UsageException($"{idle.Name} does nothing with {Source.Name}: the images are those of {source}.");
        int count = parsed.GetValue(Count), least = masks ? 16 : 8;
        int size = parsed.GetValue(Size) ?? (masks ? DrawnSegmentation.DefaultSize : DrawnDomains.DefaultSize);
        if (count < 1) throw new UsageException($"{Count.Name} is {count}; it must be 1 or more.");
        if (size < least || size > 4096) throw new UsageException($"{Size.Name} is {size}; it must be from {least} to 4096.");
        DrawnDomain[] domains = ReadDomains(parsed);
        string target = Path.TrimEndingDirectorySeparator(parsed.GetValue(Target)!);
        if (File.Exists(target) || Directory.Exists(target)) throw new UsageException($"{Target.Name}: {target} is there already; name a folder that is not.");

        // Drawn beside its place and renamed: a set is there whole or not at all.
        using OutputFolder folder = new(target + ".drawing");
        try
        {
            if (source is not null)
            {
                int rendered = RenderedFiles.Save(source, folder.Path, Renderings.All, cancellation);
                Directory.Move(folder.Path, target);
                Console.WriteLine($"{target}: {rendered:N0} images in {Renderings.All.Count} renderings");
                return ExitCode.Success;
            }

            int written = masks ? DrawMasks(folder.Path, domains, count, size, parsed.GetValue(Seed), cancellation) : DrawClasses(folder, domains, count, size, parsed.GetValue(Seed), cancellation);
            Directory.Move(folder.Path, target);
            Console.WriteLine($"{target}: {written:N0} {(masks ? "pictures with masks" : "images")} of {size}x{size} in {domains.Length} domain{(domains.Length > 1 ? "s" : "")}");
            return ExitCode.Success;
        }
        catch
        {
            Directory.Delete(folder.Path, recursive: true);
            throw;
        }
    }

    static int DrawMasks(string folder, DrawnDomain[] domains, int count, int size, ulong seed, CancellationToken cancellation)
    {
        (string, ISegmentationDataset)[] splits = [.. Splits(count).Select(split =>
            (split.Name, (ISegmentationDataset)new DrawnSegmentation(seed, split.Split, domains, split.Count, size)))];
        DrawnFiles.SavePascal(folder, splits, cancellation);
        return splits.Sum(split => split.Item2.Count);
    }

    static int DrawClasses(OutputFolder folder, DrawnDomain[] domains, int count, int size, ulong seed, CancellationToken cancellation)
    {
        int written = 0;
        foreach (DrawnDomain domain in domains)
            foreach (var (name, split, images) in Splits(count))
            {
                DrawnFiles.SaveClasses(Path.Combine(folder[Word(domain)], name), new DrawnDomains(seed, split, [domain], images, size), cancellation);
                written += images;
            }

        return written;
    }

    static (string Name, DrawnSplit Split, int Count)[] Splits(int count) =>
        [("train", DrawnSplit.Train, count), ("val", DrawnSplit.Validation, Math.Max(count / 5, 1)), ("test", DrawnSplit.Test, Math.Max(count / 5, 1))];

    static DrawnDomain[] ReadDomains(ParseResult parsed)
    {
        string[] words = [.. (parsed.GetValue(Domain) ?? []).SelectMany(word => word.Split(',', StringSplitOptions.TrimEntries)).Distinct()];
        foreach (string word in words)
            if (!DrawnDomains.All.Any(domain => Word(domain) == word))
                throw new UsageException($"{Domain.Name} is '{word}'; choose some of {string.Join(", ", DrawnDomains.All.Select(Word))}.");
        return [.. DrawnDomains.All.Where(domain => words.Length == 0 || words.Contains(Word(domain)))];
    }

    static string Word(DrawnDomain domain) => domain.ToString().ToLowerInvariant();
}

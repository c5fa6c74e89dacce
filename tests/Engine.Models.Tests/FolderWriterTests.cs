using System.Diagnostics;

namespace Engine.Models.Tests;

public sealed class FolderWriterTests : IDisposable
{
    readonly SafeTensorsScratch scratch = new();

    public void Dispose() => scratch.Dispose();

    static LoadedModel<VisionTransformer> Vit(string name = "vit_timm") => ModelFolder.Load<VisionTransformer>(ModelFixtures.Folder(name));

    static string[] Names(string folder) => [.. Directory.GetFileSystemEntries(folder).Select(entry => Path.GetFileName(entry)).Order(StringComparer.Ordinal)];

    [Fact]
    public void What_is_not_the_models_survives_and_weights_of_another_save_go()
    {
        string folder = ModelFixtures.Copy("vit_hf", scratch);
        Directory.CreateDirectory(Path.Combine(folder, "notes"));
        File.WriteAllText(Path.Combine(folder, "notes", "today.txt"), "mine");
        foreach (string name in (string[])["training_state.safetensors", "class_names.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"])
            File.WriteAllText(Path.Combine(folder, name), name);
        Vit().Save(folder);
        Assert.Equal(["class_names.json", "config.json", "model.safetensors", "notes", "training_state.safetensors"], Names(folder));
        Assert.Equal("mine", File.ReadAllText(Path.Combine(folder, "notes", "today.txt")));
        Assert.Equal("training_state.safetensors", File.ReadAllText(Path.Combine(folder, "training_state.safetensors")));
        Assert.Equal("timm ViT", ModelFolder.Load<VisionTransformer>(folder).Layout);
        Assert.Equal(["vit_hf"], Names(scratch.Folder));
    }

    [Fact]
    public void A_link_to_a_folder_stays_a_link_to_the_new_one()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links need a privilege there");
        string folder = ModelFixtures.Copy("vit_hf", scratch), link = scratch["link"];
        Directory.CreateSymbolicLink(link, folder);
        Vit().Save(link);
        Assert.NotNull(new DirectoryInfo(link).LinkTarget);
        Assert.Equal("timm ViT", ModelFolder.Load<VisionTransformer>(folder).Layout);
    }

    [Fact]
    public void The_folder_keeps_its_permissions()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("no modes there");
            return;
        }

        string folder = ModelFixtures.Copy("vit_hf", scratch);
        File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead);
        UnixFileMode before = File.GetUnixFileMode(folder);
        Vit().Save(folder);
        Assert.Equal(before, File.GetUnixFileMode(folder));
    }

    [Fact]
    public void A_folder_that_cannot_be_moved_gets_its_files_one_by_one()
    {
        string disk = scratch["mounted"];
        Directory.CreateDirectory(disk);
        Assert.SkipUnless(Mount(disk, "8m"), "Needs the right to mount.");
        try
        {
            File.WriteAllText(Path.Combine(disk, "class_names.json"), "mine");
            File.WriteAllText(Path.Combine(disk, "model.safetensors.index.json"), "stale");
            Vit().Save(disk);
            Assert.Equal(["class_names.json", "config.json", "model.safetensors"], Names(disk));
            Assert.Equal(File.ReadAllBytes(Path.Combine(ModelFixtures.Folder("vit_timm"), "model.safetensors")), File.ReadAllBytes(Path.Combine(disk, "model.safetensors")));
            Assert.Equal(["mounted"], Names(scratch.Folder));
        }
        finally
        {
            Run("umount", disk);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_full_disk_is_told_of_the_file_that_was_asked_for_and_leaves_everything_as_it_was(bool present)
    {
        string disk = scratch["disk"], folder = Path.Combine(disk, "model");
        Directory.CreateDirectory(disk);
        Assert.SkipUnless(Mount(disk, "128k"), "Needs the right to mount.");
        try
        {
            if (present)
            {
                Directory.CreateDirectory(folder);
                File.WriteAllText(Path.Combine(folder, "config.json"), "old");
            }

            string message = Assert.Throws<CheckpointException>(() => Vit().Save(folder)).Message;
            Assert.Equal($"{Path.Combine(folder, "model.safetensors")}: cannot be written: the disk was full; a file of that name stays as it was", message);
            string[] left = present ? ["model"] : [];
            Assert.Equal(left, Names(disk));
            if (present) Assert.Equal("old", File.ReadAllText(Path.Combine(folder, "config.json")));
        }
        finally
        {
            Run("umount", disk);
        }
    }

    [Fact]
    public void What_an_interrupted_save_left_is_named()
    {
        string folder = ModelFixtures.Copy("vit_timm", scratch);
        Directory.Move(folder, folder + ".abc.old");                // killed between the two renames
        string message = Assert.Throws<CheckpointException>(() => ModelFolder.Load<VisionTransformer>(folder)).Message;
        Assert.Equal($"{folder}: there is no such folder; an interrupted save left it whole as {folder}.abc.old: rename it back", message);
    }

    static bool Mount(string folder, string size) => OperatingSystem.IsLinux() && Run("mount", "-t", "tmpfs", "-o", $"size={size}", "none", folder);

    static bool Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}

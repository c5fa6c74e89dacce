using System.Diagnostics;

namespace Engine.Models.Tests;

/// <summary>Whatever goes wrong while a file is written: the old file stays whole and nothing is left beside it.</summary>
public sealed class SafeTensorsAtomicityTests : IDisposable
{
    readonly SafeTensorsScratch scratch = new();
    readonly string path;
    readonly byte[] old;

    public SafeTensorsAtomicityTests()
    {
        path = scratch["model.safetensors"];
        SafeTensors.Create(path, w => w.Write<float>("old", [3], [1f, 2f, 3f]));
        old = File.ReadAllBytes(path);
    }

    public void Dispose() => scratch.Dispose();

    [Theory, InlineData(false), InlineData(true)]
    public void The_callback_throws(bool planned)
    {
        void Write(SafeTensorsWriter writer)
        {
            writer.Write<float>("a", [2], [1, 2]);
            throw new FormatException("from the callback");
        }
        Assert.Equal("from the callback", Assert.Throws<FormatException>(() => Create(planned, Write)).Message);
        AssertUntouched();
    }

    [Theory, InlineData(false), InlineData(true)]
    public void The_source_of_a_tensor_fails_midway(bool planned)
    {
        Assert.Throws<TimeoutException>(() => Create(planned, w => w.Write("a", SafeTensorType.F32, [2], new FailingStream())));
        AssertUntouched();
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_failed_tensor_is_ignored_by_the_callback(bool planned)
    {
        void Write(SafeTensorsWriter writer)
        {
            Assert.Throws<TimeoutException>(() => writer.Write("a", SafeTensorType.F32, [2], new FailingStream()));
            if (!planned)
                writer.Write<float>("a", [2], [5, 6]);
        }
        if (planned)
        {
            Assert.Throws<CheckpointException>(() => Create(planned, Write));
            AssertUntouched();
            return;
        }
        Create(planned, Write);
        using SafeTensors file = SafeTensors.Open(path);
        Assert.Equal([5f, 6f], file.Read<float>("a").ToArray());
    }

    [Fact]
    public void The_disk_is_too_small()
    {
        bool began = false;
        var e = Assert.Throws<CheckpointException>(() => SafeTensors.Create(path, [new("huge", SafeTensorType.U8, 1L << 58)], _ => began = true));
        Assert.Contains("cannot be written", e.Message);
        Assert.False(began, "A full disk must show before the work, not after it.");
        AssertUntouched();
    }

    [Theory, InlineData(false), InlineData(true)]
    public void The_disk_fills_up_midway(bool fromStream)
    {
        string disk = scratch["disk"];
        Directory.CreateDirectory(disk);
        Assert.SkipUnless(OperatingSystem.IsLinux() && Run("mount", "-t", "tmpfs", "-o", "size=2m", "none", disk), "Needs the right to mount.");
        try
        {
            string model = Path.Combine(disk, "model.safetensors");
            File.Copy(path, model);
            var e = Assert.Throws<CheckpointException>(() => SafeTensors.Create(model, w =>
            {
                w.Write<byte>("small", [1 << 20], new byte[1 << 20]);
                if (fromStream)
                    w.Write("large", SafeTensorType.U8, [4 << 20], new MemoryStream(new byte[4 << 20]));
                else
                    w.Write<byte>("large", [4 << 20], new byte[4 << 20]);
            }));
            Assert.StartsWith($"{model}: cannot be written: the disk was full; a file of that name stays as it was", e.Message);
            Assert.Equal([model], Directory.GetFiles(disk));
            Assert.Equal(old, File.ReadAllBytes(model));
        }
        finally
        {
            Run("umount", disk);
        }
    }

    [Fact]
    public void The_folder_is_missing_or_the_name_is_a_folder()
    {
        string absent = Path.Combine(scratch.Folder, "absent", "model.safetensors");
        Assert.StartsWith(absent, Assert.Throws<CheckpointException>(() => SafeTensors.Create(absent, _ => { })).Message);
        Assert.Contains("is a folder", Assert.Throws<CheckpointException>(() => SafeTensors.Create(scratch.Folder, _ => { })).Message);
        AssertUntouched();
    }

    [Fact]
    public void Readers_of_the_old_file_keep_it()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows does not replace a mapped file.");
        using SafeTensors open = SafeTensors.Open(path);
        SafeTensors.Create(path, w => w.Write<float>("new", [1], [9f]));
        Assert.Equal([1f, 2f, 3f], open.Read<float>("old").ToArray());
        using SafeTensors replaced = SafeTensors.Open(path);
        Assert.Equal(["new"], replaced.Items.Keys);
        Assert.Equal(["model.safetensors"], scratch.Files);
    }

    [Fact]
    public void The_new_file_has_the_permissions_of_the_old()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Unix file modes.");
        if (OperatingSystem.IsWindows())
            return;
        const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        File.SetUnixFileMode(path, Private);
        SafeTensors.Create(path, w => w.Write<float>("new", [1], [9f]));
        Assert.Equal(Private, File.GetUnixFileMode(path));
    }

    [Fact]
    public void A_writer_kept_after_its_file_is_refused()
    {
        SafeTensorsWriter? kept = null;
        SafeTensors.Create(path, w => { kept = w; w.Write<float>("a", [1], [1]); });
        Assert.Throws<ObjectDisposedException>(() => kept!.Write<float>("b", [1], [1]));
    }

    void Create(bool planned, Action<SafeTensorsWriter> write)
    {
        if (planned)
            SafeTensors.Create(path, [new("a", SafeTensorType.F32, 2)], write);
        else
            SafeTensors.Create(path, write);
    }

    static bool Run(string command, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    void AssertUntouched()
    {
        Assert.Equal(["model.safetensors"], scratch.Files);
        Assert.Equal(old, File.ReadAllBytes(path));
    }

    /// <summary>Gives half of what is asked of it, then fails.</summary>
    sealed class FailingStream : MemoryStream
    {
        bool gave;

        public override int Read(Span<byte> buffer)
        {
            if (gave)
                throw new TimeoutException();
            gave = true;
            buffer[..(buffer.Length / 2)].Fill(1);
            return buffer.Length / 2;
        }
    }
}

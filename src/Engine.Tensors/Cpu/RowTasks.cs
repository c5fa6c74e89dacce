namespace Engine.Tensors;

/// <summary>Kernels over independent rows, several rows a task where they are short.</summary>
static class RowTasks
{
    // Elements of a task: some microseconds of work.
    const int Elements = 16 * 1024;

    /// <summary>Runs a body for every row.</summary>
    public static void ForEach(long rows, long rowLength, Action<long> body)
    {
        long each = Math.Max(1, Elements / Math.Max(rowLength, 1));
        int tasks = checked((int)((rows + each - 1) / each));
        if (tasks == 1)
            for (long row = 0; row < rows; row++) body(row);
        else ThreadTeam.For(tasks, task =>
        {
            long end = Math.Min(rows, (task + 1) * each);
            for (long row = task * each; row < end; row++) body(row);
        });
    }
}

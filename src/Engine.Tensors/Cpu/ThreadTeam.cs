namespace Engine.Tensors;

/// <summary>Stand-in until the team of threads lands.</summary>
static class ThreadTeam
{
    public static int Threads { get; set; } = Environment.ProcessorCount;

    public static void For(int count, Action<int> body)
    {
        int threads = Math.Min(Threads, count);
        if (threads <= 1)
        {
            for (int i = 0; i < count; i++) body(i);
            return;
        }

        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, t =>
        {
            for (int i = (int)((long)count * t / threads); i < (int)((long)count * (t + 1) / threads); i++) body(i);
        });
    }
}

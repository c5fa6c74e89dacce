namespace Engine.Training.Tests;

public sealed class CorruptionSuiteTests
{
    [Fact]
    public void Every_cell_is_measured_once_in_order_after_the_clean_images()
    {
        List<CorruptionCase?> asked = [];
        var result = CorruptionSuite.Run([Corruption.Fog, Corruption.GaussianNoise], [1, 5], found =>
        {
            asked.Add(found);
            return new Given(found is { } corrupted ? (corrupted.Corruption == Corruption.Fog ? 0.6 : 0.4) - 0.01 * corrupted.Severity : 0.8);
        });
        Assert.Equal([null, new(Corruption.Fog, 1), new(Corruption.Fog, 5), new(Corruption.GaussianNoise, 1), new(Corruption.GaussianNoise, 5)], asked);
        Assert.Equal(0.55, result[Corruption.Fog, 5].Score, 1e-12);
        Assert.Equal(0.57, result.Mean(Corruption.Fog), 1e-12);
        Assert.Equal(0.47, result.MeanScore, 1e-12);
        Assert.Equal(0.5875, result.Relative(result.MeanScore), 1e-12);
        Assert.Equal(0.8, result.Clean.Score);
    }

    [Fact]
    public void A_cancelled_suite_stops_between_two_measurements()
    {
        using CancellationTokenSource source = new();
        int measured = 0;
        Assert.Throws<OperationCanceledException>(() => CorruptionSuite.Run(Training.Corruptions.All, [1, 2, 3], _ =>
        {
            if (++measured == 3)
                source.Cancel();
            return new Given(1);
        }, source.Token));
        Assert.Equal(3, measured);
    }

    sealed class Given(double score) : Measurement
    {
        public override double Loss => 0;

        public override double Score => score;

        public override string ScoreName => "accuracy";

        public override string Summary => "";

        public override TimeSpan Elapsed => default;
    }
}

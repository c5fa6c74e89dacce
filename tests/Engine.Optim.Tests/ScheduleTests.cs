namespace Engine.Optim.Tests;

public sealed class ScheduleTests
{
    [Fact]
    public void Constant_climbs_and_stays()
    {
        ConstantSchedule schedule = new() { Warmup = 4 };
        Assert.Equal([0, 0.25, 0.5, 0.75, 1, 1, 1], Enumerable.Range(0, 7).Select(step => schedule.Factor(step)));
    }

    [Fact]
    public void A_climb_may_start_above_zero()
    {
        CosineSchedule schedule = new(100, 0.1) { Warmup = 10, WarmupStart = 0.1 };
        Assert.Equal(0.1, schedule.Factor(0), 1e-12);
        Assert.Equal(0.55, schedule.Factor(5), 1e-12);
        Assert.Equal(1, schedule.Factor(10), 1e-12);
    }

    [Fact]
    public void Cosine_ends_at_its_minimum_and_stays_there()
    {
        CosineSchedule schedule = new(50, 0.2);
        Assert.Equal(1, schedule.Factor(0));
        Assert.Equal(0.6, schedule.Factor(25), 1e-12);
        Assert.Equal(0.2, schedule.Factor(50), 1e-12);
        Assert.Equal(0.2, schedule.Factor(500), 1e-12);
    }

    [Fact]
    public void Linear_ends_at_its_minimum_and_stays_there()
    {
        LinearSchedule schedule = new(11, 0.5) { Warmup = 1 };
        Assert.Equal(0.75, schedule.Factor(6), 1e-12);
        Assert.Equal(0.5, schedule.Factor(11), 1e-12);
        Assert.Equal(0.5, schedule.Factor(12), 1e-12);
    }

    [Fact]
    public void Steps_drop_by_gamma()
    {
        StepSchedule schedule = new(10, 0.1);
        Assert.Equal([1, 0.1, 0.01], new[] { 9L, 10, 29 }.Select(step => Math.Round(schedule.Factor(step), 12)));
    }

    [Fact]
    public void A_climb_longer_than_the_whole_is_survived()
    {
        Assert.Equal(1, new CosineSchedule(5) { Warmup = 5 }.Factor(5), 1e-12);
        Assert.Equal(0.5, new LinearSchedule(5) { Warmup = 10 }.Factor(5), 1e-12);
    }

    [Fact]
    public void Negative_steps_are_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new ConstantSchedule().Factor(-1));
}

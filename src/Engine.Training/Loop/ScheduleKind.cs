using Engine.Optim;

namespace Engine.Training;

/// <summary>What the learning rate does after warm-up.</summary>
public enum ScheduleKind
{
    /// <summary>It stays.</summary>
    Constant,

    /// <summary>It falls in a straight line to 0.</summary>
    Linear,

    /// <summary>It falls along half a cosine wave to 0.</summary>
    Cosine,

    /// <summary>It falls to a tenth after each third of the run.</summary>
    Step,
}

static class Schedules
{
    /// <summary>The schedule of a run of so many steps.</summary>
    public static Schedule Of(ScheduleKind kind, int steps, int warmUp) => kind switch
    {
        ScheduleKind.Constant => new ConstantSchedule { Warmup = warmUp },
        ScheduleKind.Linear => new LinearSchedule(steps) { Warmup = warmUp },
        ScheduleKind.Cosine => new CosineSchedule(steps) { Warmup = warmUp },
        _ => new StepSchedule(Math.Max((steps + 2) / 3, 1)) { Warmup = warmUp },
    };
}

namespace Engine.Training;

/// <summary>The ten classes of <see cref="DrawnDomains"/>, in the order of their labels.</summary>
public enum DrawnShape
{
    /// <summary>A disc.</summary>
    Circle,

    /// <summary>A square.</summary>
    Square,

    /// <summary>An equilateral triangle.</summary>
    Triangle,

    /// <summary>A regular hexagon.</summary>
    Hexagon,

    /// <summary>A five-pointed star.</summary>
    Star,

    /// <summary>A plus sign.</summary>
    Cross,

    /// <summary>A disc with a hole.</summary>
    Ring,

    /// <summary>A moon: a disc less a smaller one beside its centre.</summary>
    Crescent,

    /// <summary>A heart.</summary>
    Heart,

    /// <summary>An arrow with a shaft.</summary>
    Arrow,
}

/// <summary>The five visual domains of <see cref="DrawnDomains"/>.</summary>
public enum DrawnDomain
{
    /// <summary>One colour on another.</summary>
    Filled,

    /// <summary>Pencil outlines on paper.</summary>
    Sketch,

    /// <summary>One pattern on another: stripes, checks or dots.</summary>
    Textured,

    /// <summary>A negative: bright, glowing outlines on black.</summary>
    Inverted,

    /// <summary>Shaded and blurred objects with a shadow on an uneven ground, under sensor noise.</summary>
    Photo,
}

/// <summary>Disjoint sets of drawn images.</summary>
public enum DrawnSplit
{
    /// <summary>For training.</summary>
    Train,

    /// <summary>For choosing hyper-parameters and the step to stop at.</summary>
    Validation,

    /// <summary>For the figures that are reported.</summary>
    Test,
}

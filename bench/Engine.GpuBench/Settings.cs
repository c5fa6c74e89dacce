namespace Engine.GpuBench;

/// <summary>What the command line asks for.</summary>
sealed record Settings
{
    public const string Usage = """
        measure [--device NAME] [--quick] [--only PART] [--rounds N] [--suite] [--no-checks] [--no-peer] [--python PATH] [--list]

          --device NAME   cuda, cuda:1, opencl, or auto: the first GPU, else the first OpenCL device (auto)
          --quick         small sizes; a processor under OpenCL always gets them
          --only PART     cases with that in their name
          --rounds N      alternating rounds a case (7; 5 with --quick)
          --suite         check with whole test suites, not with the reference cases alone: takes minutes more
          --no-checks     measure without checking first
          --no-peer       ours alone, though torch is here
          --python PATH   the Python that has torch (python3)
          --list          the names of the cases
        """;

    public string Device { get; private set; } = "auto";

    public bool Quick { get; set; }

    public string Only { get; private set; } = "";

    public int? Rounds { get; private set; }

    public bool Suite { get; private set; }

    public bool Checks { get; private set; } = true;

    public bool Peer { get; private set; } = true;

    public string Python { get; private set; } = "python3";

    public bool List { get; private set; }

    public bool Help { get; private set; }

    /// <summary>Reads a command line.</summary>
    /// <exception cref="ArgumentException">A word is unknown, or its value is missing.</exception>
    public static Settings Parse(string[] words)
    {
        Settings settings = new();
        for (int i = 0; i < words.Length; i++)
        {
            string word = words[i];
            string Value() => ++i < words.Length ? words[i] : throw new ArgumentException($"{word} needs a value");
            switch (word)
            {
                case "--device": settings.Device = Value(); break;
                case "--quick": settings.Quick = true; break;
                case "--only": settings.Only = Value(); break;
                case "--rounds": settings.Rounds = int.TryParse(Value(), out int rounds) && rounds > 0 ? rounds : throw new ArgumentException("--rounds needs a whole number of 1 or more"); break;
                case "--suite": settings.Suite = true; break;
                case "--no-checks": settings.Checks = false; break;
                case "--no-peer": settings.Peer = false; break;
                case "--python": settings.Python = Value(); break;
                case "--list": settings.List = true; break;
                case "--help" or "-h": settings.Help = true; break;
                default: throw new ArgumentException($"'{word}' is not known; --help says what is");
            }
        }

        return settings;
    }
}

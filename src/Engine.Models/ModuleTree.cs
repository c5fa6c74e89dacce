using System.IO.Enumeration;
using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Models;

/// <summary>What the modules of one model share: the names, the mode, the random numbers.</summary>
sealed class ModuleTree(RandomSource random, Device device)
{
    readonly OrderedDictionary<string, Parameter> parameters = [];
    readonly OrderedDictionary<string, Module> modules = [];

    public RandomSource Random { get; set; } = random;

    public Device Device => device;

    public bool IsTraining { get; set; }

    /// <summary>The layout that the model was loaded in, whose names people know its parts by; null for a model from no folder.</summary>
    public ModelLayout? Layout { get; set; }

    public bool RecomputesBlocks { get; set; }

    public void Add(string path, Module module)
    {
        if (!modules.TryAdd(path, module))
            throw new ArgumentException($"{Models.Module.Describe(path)} is a {modules[path].GetType().Name} already; give the {module.GetType().Name} a name of its own: at / \"name\".");
    }

    public void Add(Parameter parameter)
    {
        if (!parameters.TryAdd(parameter.Name, parameter))
            throw new ArgumentException($"The model has a parameter '{parameter.Name}' of {parameters[parameter.Name].Shape} already; give this one another name.");
    }

    /// <summary>Takes a module out, with its parts and parameters: an adapter whose work is done.</summary>
    public void Remove(string path)
    {
        foreach (string name in modules.Keys.Where(name => name == path || Below(path, name) is not null).ToArray()) modules.Remove(name);
        foreach (string name in parameters.Keys.Where(name => Below(path, name) is not null).ToArray()) parameters.Remove(name);
    }

    public Parameter Parameter(string path) => parameters.TryGetValue(path, out Parameter? parameter) ? parameter
        : throw new KeyNotFoundException($"No parameter is named '{path}'; {Examples("")}.");

    public Module? Module(string path) => modules.GetValueOrDefault(path);

    /// <summary>The parameters at and below a path, with their names from there.</summary>
    public IEnumerable<(string Name, Parameter Parameter)> Parameters(string path)
    {
        foreach (var (name, parameter) in parameters)
            if (Below(path, name) is { } rest) yield return (rest, parameter);
    }

    public IReadOnlyDictionary<string, Module> Modules(string path)
    {
        OrderedDictionary<string, Module> found = [];
        foreach (var (name, module) in modules)
            if (name != path && Below(path, name) is { } rest) found.Add(rest, module);
        return found;
    }

    public List<Parameter> Matching(string path, string pattern)
    {
        ArgumentException.ThrowIfNullOrEmpty(pattern);
        List<Parameter> matched = [];
        foreach (var (name, parameter) in Parameters(path))
            if (FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false)) matched.Add(parameter);
        return matched.Count > 0 ? matched
            : throw new ArgumentException($"Pattern '{pattern}' matches no parameter of {Models.Module.Describe(path)}; {Examples(path)}.");
    }

    string Examples(string path)
    {
        string[] names = [.. Parameters(path).Select(named => named.Name)];
        return names.Length == 0 ? "it has none" : $"it has {names.Length}, from '{names[0]}' to '{names[^1]}'";
    }

    static string? Below(string path, string name) =>
        path.Length == 0 ? name
        : name.Length > path.Length && name[path.Length] == '.' && name.StartsWith(path, StringComparison.Ordinal) ? name[(path.Length + 1)..]
        : null;
}

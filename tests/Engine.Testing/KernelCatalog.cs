using System.Reflection;
using Engine.Gpu;
using Engine.Optim;
using Engine.Tensors;

namespace Engine.Testing;

/// <summary>
/// Every kernel that can be launched: the generic ones with all formulas, rules and element types that exist. Tests compile
/// all of them for devices that are not here, and a suite that runs on a device fails if it loads one that is not listed.
/// </summary>
public static class KernelCatalog
{
    static readonly Type[] Formulas = [.. Structs(typeof(IUnary), typeof(IBinary), typeof(ITernary), typeof(IReduction), typeof(IUpdateRule), typeof(IArenaMeasure), typeof(IArenaDecision))];

    // The element types with their words and lanes.
    static readonly Type[][] Elements =
    [
        [typeof(Single32), typeof(float), typeof(Scalar32)],
        [typeof(Double64), typeof(double), typeof(Scalar64)],
        [typeof(Brain16), typeof(ushort), typeof(Scalar32)],
        [typeof(Half16), typeof(ushort), typeof(Scalar32)],
    ];

    // What products are asked to apply: the activations of Engine.Models' Linear.
    static readonly Type[] Activations =
        [typeof(Identity), typeof(Gelu), typeof(GeluTanh), typeof(QuickGelu), typeof(Relu), typeof(Silu), typeof(HyperbolicTangent)];

    static readonly Type[] Words = [typeof(byte), typeof(short), typeof(int), typeof(long), typeof(float), typeof(double), typeof(ushort)];

    static readonly Lazy<HashSet<MethodInfo>> Known = new(() => [.. All()]);

    /// <summary>True for a kernel of the list.</summary>
    public static bool Contains(MethodInfo kernel) => Known.Value.Contains(kernel);

    /// <summary>The list.</summary>
    public static IEnumerable<MethodInfo> All() => Definitions().SelectMany(Closed);

    /// <summary>The kernels as they are written: static methods of one struct of arguments.</summary>
    public static IEnumerable<MethodInfo> Definitions() =>
        from type in typeof(KernelLoader).Assembly.GetTypes()
        where type.IsAbstract && type.IsSealed && type.Namespace == typeof(KernelLoader).Namespace
        from method in type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly)
        where method.ReturnType == typeof(void) && method.GetParameters() is [{ ParameterType: { IsValueType: true } arguments }]
            && arguments.Name.Split('`')[0].EndsWith("Arguments", StringComparison.Ordinal)
        select method;

    // Parameters are closed from the left, an element type with its word and lane at once; what breaks a constraint is no kernel.
    static IEnumerable<MethodInfo> Closed(MethodInfo definition)
    {
        if (!definition.IsGenericMethodDefinition) return [definition];
        Type[] parameters = definition.GetGenericArguments();
        return Choices(parameters, new Dictionary<Type, Type>()).Select(types => Make(definition, types)).OfType<MethodInfo>().Where(IsLaunched);
    }

    static IEnumerable<Type[]> Choices(Type[] parameters, IReadOnlyDictionary<Type, Type> chosen)
    {
        if (parameters.FirstOrDefault(parameter => !chosen.ContainsKey(parameter)) is not { } open)
            return [[.. parameters.Select(parameter => chosen[parameter])]];
        return Candidates(open, chosen).SelectMany(more => Choices(parameters, new Dictionary<Type, Type>(chosen.Concat(more))));
    }

    static IEnumerable<Dictionary<Type, Type>> Candidates(Type parameter, IReadOnlyDictionary<Type, Type> chosen)
    {
        if (Contract(parameter) is not { } contract) return Words.Select(word => new Dictionary<Type, Type> { [parameter] = word });
        if (contract.IsGenericType && contract.GetGenericTypeDefinition() == typeof(IGpuElement<,>)) return ElementsFor(parameter, contract.GetGenericArguments(), chosen);
        IEnumerable<Type> types = parameter.Name == "TActivation" ? Activations
            : contract.Assembly == typeof(KernelLoader).Assembly ? GpuStructs(contract.IsGenericType ? contract.GetGenericTypeDefinition() : contract)
            : Formulas.Where(contract.IsAssignableFrom);
        return types.Select(type => new Dictionary<Type, Type> { [parameter] = type });
    }

    static Type? Contract(Type parameter) => parameter.GetGenericParameterConstraints().FirstOrDefault(type => type.IsInterface);

    static IEnumerable<Dictionary<Type, Type>> ElementsFor(Type element, Type[] wordAndLane, IReadOnlyDictionary<Type, Type> chosen)
    {
        foreach (Type[] types in Elements)
        {
            Dictionary<Type, Type> choice = new() { [element] = types[0] };
            bool fits = true;
            for (int i = 0; i < 2; i++)
            {
                if (chosen.TryGetValue(wordAndLane[i], out Type? known)) fits &= known == types[i + 1];
                else choice[wordAndLane[i]] = types[i + 1];
            }

            if (fits) yield return choice;
        }
    }

    // What the generic signature allows and the backend never asks for.
    static bool IsLaunched(MethodInfo kernel)
    {
        Type[] types = kernel.GetGenericArguments();
        if (kernel.DeclaringType == typeof(WideProduct)) return types.Contains(typeof(Single32));
        if (kernel.DeclaringType != typeof(MmaProduct)) return true;
        return types.Contains(typeof(TensorFloatMma)) ? types.Contains(typeof(Single32)) && !types.Contains(typeof(DenseAcrossK))
            : types.Contains(typeof(Single32)) || (types.Contains(typeof(BrainMma)) ? types.Contains(typeof(Brain16)) : types.Contains(typeof(Half16)));
    }

    static MethodInfo? Make(MethodInfo definition, Type[] types)
    {
        try
        {
            return definition.MakeGenericMethod(types);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    // The device's own choices: comparisons, orders by them, draws, conversions.
    static IEnumerable<Type> GpuStructs(Type contract) =>
        from type in typeof(KernelLoader).Assembly.GetTypes()
        where type.IsValueType && !type.IsPrimitive && Implements(type, contract)
        from closed in !type.IsGenericTypeDefinition ? [type] : type.GetGenericArguments().Length == 2 ? Orders(type) : Conversions(type)
        select closed;

    static readonly (Type Stored, Type Word)[] StoredWords =
    [
        (typeof(SingleWord), typeof(float)), (typeof(DoubleWord), typeof(double)), (typeof(BrainWord), typeof(ushort)), (typeof(HalfWord), typeof(ushort)),
        (typeof(LongWord), typeof(long)), (typeof(IntWord), typeof(int)), (typeof(BoolWord), typeof(byte)),
    ];

    static IEnumerable<Type> Conversions(Type type) =>
        from source in StoredWords
        from target in StoredWords
        where source.Stored != target.Stored && type == Way(source.Stored, target.Stored)
        select type.MakeGenericType(source.Stored, target.Stored, source.Word, target.Word);

    // An order of words by a comparison of them.
    static IEnumerable<Type> Orders(Type type) =>
        from comparer in typeof(KernelLoader).Assembly.GetTypes()
        where comparer.IsValueType && Implements(comparer, typeof(IWordComparer<>))
        let word = comparer.GetInterfaces().First(each => each.IsGenericType && each.GetGenericTypeDefinition() == typeof(IWordComparer<>)).GetGenericArguments()[0]
        select type.MakeGenericType(comparer, word);

    static Type Way(Type source, Type target) =>
        source == typeof(DoubleWord) || target == typeof(DoubleWord) ? typeof(ThroughDouble<,,,>)
        : source == typeof(SingleWord) || source == typeof(BrainWord) || source == typeof(HalfWord) ? typeof(ThroughSingle<,,,>)
        : typeof(ThroughLong<,,,>);

    static bool Implements(Type type, Type contract) =>
        type.GetInterfaces().Any(each => each == contract || (each.IsGenericType && each.GetGenericTypeDefinition() == contract));

    // Formulas, and those made of formulas: the gradients.
    static IEnumerable<Type> Structs(params Type[] contracts)
    {
        Type[] plain = [.. new[] { typeof(Tensor).Assembly, typeof(Optimizer).Assembly }.SelectMany(assembly => assembly.GetTypes())
            .Where(type => type.IsValueType && !type.IsGenericTypeDefinition && contracts.Any(contract => contract.IsAssignableFrom(type)))];
        return
        [
            .. plain,
            .. plain.Where(typeof(IDifferentiableUnary).IsAssignableFrom).Select(type => typeof(GradientOf<>).MakeGenericType(type)),
            .. plain.Where(typeof(IDifferentiableBinary).IsAssignableFrom).Select(type => typeof(GradientAOf<>).MakeGenericType(type)),
            .. plain.Where(typeof(IDifferentiableBinary).IsAssignableFrom).Select(type => typeof(GradientBOf<>).MakeGenericType(type)),
        ];
    }
}

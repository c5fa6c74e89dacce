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
    static readonly Type[] Formulas = [.. Structs(typeof(IUnary), typeof(IBinary), typeof(ITernary), typeof(IReduction), typeof(IUpdateRule))];

    // The element types with their words and lanes.
    static readonly Type[][] Elements =
    [
        [typeof(Single32), typeof(float), typeof(Scalar32)],
        [typeof(Double64), typeof(double), typeof(Scalar64)],
        [typeof(Brain16), typeof(ushort), typeof(Scalar32)],
        [typeof(Half16), typeof(ushort), typeof(Scalar32)],
    ];

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
        return Choices(definition.GetGenericArguments(), 0, []).Select(types => Make(definition, types)).OfType<MethodInfo>();
    }

    static IEnumerable<Type[]> Choices(Type[] parameters, int place, Type[] chosen)
    {
        if (place == parameters.Length) return [chosen];
        IEnumerable<Type[]> next = parameters[place].Name.StartsWith("TElement", StringComparison.Ordinal)
            ? Elements
            : Candidates(parameters[place]).Select(type => new[] { type });
        return next.SelectMany(types => Choices(parameters, place + types.Length, [.. chosen, .. types]));
    }

    static IEnumerable<Type> Candidates(Type parameter)
    {
        Type[] contracts = [.. parameter.GetGenericParameterConstraints().Where(type => type.IsInterface)];
        if (contracts.Length == 0) return Words;
        Type contract = contracts[0];
        return contract.Assembly == typeof(KernelLoader).Assembly
            ? GpuStructs(contract.IsGenericType ? contract.GetGenericTypeDefinition() : contract)
            : Formulas.Where(contract.IsAssignableFrom);
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

    // The device's own choices: comparisons, draws, conversions.
    static IEnumerable<Type> GpuStructs(Type contract) =>
        from type in typeof(KernelLoader).Assembly.GetTypes()
        where type.IsValueType && !type.IsPrimitive && Implements(type, contract)
        from closed in type.IsGenericTypeDefinition ? Conversions(type) : [type]
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

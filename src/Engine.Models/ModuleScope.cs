using System.Globalization;
using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Models;

/// <summary>
/// A parameter's values, if they are known when it is built: how a checkpoint fills a model as it is constructed.
/// </summary>
/// <param name="name">The full name.</param>
/// <param name="shape">What the model needs.</param>
/// <returns>Values of that shape, on any device and of any floating type; null for a parameter that starts fresh.</returns>
public delegate Tensor? ParameterSource(string name, Shape shape);

/// <summary>
/// A place in a model under construction: a path such as <c>blocks.3</c>, and what the whole tree shares. Passed down from
/// constructor to constructor; <c>at / "attn"</c> is the place of a part.
/// </summary>
public sealed class ModuleScope
{
    readonly ParameterSource? source;
    readonly DType dtype;
    readonly bool initialize;
    readonly WeightPrecision weights;

    ModuleScope(ModuleTree tree, string path, ParameterSource? source, DType dtype, bool initialize, WeightPrecision weights) =>
        (Tree, Path, this.source, this.dtype, this.initialize, this.weights) = (tree, path, source, dtype, initialize, weights);

    ModuleScope(ModuleScope at, string path) : this(at.Tree, path, at.source, at.dtype, at.initialize, at.weights)
    {
    }

    internal ModuleTree Tree { get; }

    /// <summary>Where the parameters of the model lie.</summary>
    public Device Device => Tree.Device;

    /// <summary>The full name of the place; empty at the root.</summary>
    public string Path { get; }

    /// <summary>The place of a new model.</summary>
    /// <param name="seed">What initial values and dropout are drawn from.</param>
    /// <param name="device">Where the parameters lie; the default device if null.</param>
    /// <param name="source">Where known values come from; null if all are fresh.</param>
    /// <param name="initialize">False leaves fresh parameters zero: for a model whose values are all loaded afterwards.</param>
    /// <param name="dtype">float32, or float64 for checking gradients.</param>
    /// <param name="weights">Whether weight matrices that the source gives in 16 bits stay so, frozen.</param>
    public static ModuleScope Root(
        ulong seed = 0, Device? device = null, ParameterSource? source = null, bool initialize = true, DType dtype = DType.Float32,
        WeightPrecision weights = WeightPrecision.Float32) =>
        new(new ModuleTree(new RandomSource(seed), device ?? Device.Default), "", source, dtype, initialize, weights);

    /// <summary>A place below.</summary>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public static ModuleScope operator /(ModuleScope at, string name)
    {
        ArgumentNullException.ThrowIfNull(at);
        ArgumentException.ThrowIfNullOrEmpty(name);
        return new(at, at.Path.Length == 0 ? name : $"{at.Path}.{name}");
    }

    /// <summary>The place of one of several like parts: <c>at / "blocks" / 3</c>.</summary>
    public static ModuleScope operator /(ModuleScope at, int index) => at / index.ToString(CultureInfo.InvariantCulture);

    /// <summary>The same place for parts that come after the model was built: adapters, whose values come from elsewhere.</summary>
    internal ModuleScope Later(ParameterSource? values = null) => new(Tree, Path, values, dtype, initialize: true, WeightPrecision.Float32);

    /// <summary>A new parameter of the module at this place.</summary>
    /// <param name="name">Its name in the module: <c>weight</c>.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="initial">Its values, where no source has them.</param>
    /// <param name="keepStored">
    /// True for a parameter that is read nowhere but as the right side of a product or as an embedding's table. Under
    /// <see cref="WeightPrecision.Stored"/> it keeps the source's own tensor where that has 16 bits, and is frozen.
    /// </param>
    /// <exception cref="ArgumentException">The model has a parameter of that name.</exception>
    /// <exception cref="ShapeException">The source gave another shape.</exception>
    public Parameter Parameter(string name, Shape shape, InitialValues initial, bool keepStored = false) => Add(name, shape, initial, keepStored, isBuffer: false);

    /// <summary>Numbers of the module at this place that are loaded and saved but never trained; see <see cref="Autograd.Parameter.IsBuffer"/>.</summary>
    /// <param name="name">Its name in the module: <c>running_mean</c>.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="initial">Its values, where no source has them.</param>
    public Parameter Buffer(string name, Shape shape, InitialValues initial) => Add(name, shape, initial, keepStored: false, isBuffer: true);

    Parameter Add(string name, Shape shape, InitialValues initial, bool keepStored, bool isBuffer)
    {
        ArgumentNullException.ThrowIfNull(initial);
        string path = (this / name).Path;
        using StepScope temporaries = StepScope.Begin();
        Tensor? known = source?.Invoke(path, shape);
        if (known is not null && known.Shape != shape)
            throw new ShapeException($"Parameter {path} is {shape}, its source gave {known.Shape}.");
        bool keeps = keepStored && weights == WeightPrecision.Stored && known?.DType is DType.BFloat16 or DType.Float16;
        Parameter parameter = keeps ? Autograd.Parameter.Frozen(path, known!.To(Tree.Device)) : new(path, Values(known, shape, initial), isBuffer);
        parameter.IsFresh = known is null;
        Tree.Add(parameter);
        return parameter;
    }

    Tensor Values(Tensor? known, Shape shape, InitialValues initial) =>
        known?.To(Tree.Device).To(dtype)
            ?? (initialize ? initial.Draw(shape, Tree.Random, dtype, Tree.Device) : Tensor.Zeros(shape, dtype, Tree.Device));
}

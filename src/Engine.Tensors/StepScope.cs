namespace Engine.Tensors;

/// <summary>
/// The lifetime of temporaries: what is computed between <see cref="Begin"/> and <see cref="Dispose"/> on this thread goes
/// back to the pool at the end, except what was kept. Scopes nest; a kept tensor moves to the scope around.
/// </summary>
/// <example><code>
/// using StepScope step = StepScope.Begin();
/// Variable loss = Functions.CrossEntropy(model.Forward(images), labels);
/// loss.Backward();
/// optimizer.Step();
/// </code></example>
public sealed class StepScope : IDisposable
{
    [ThreadStatic]
    static StepScope? current;

    readonly StepScope? outer;
    readonly List<Storage> storages = [];
    bool ended;

    readonly bool isOutside;

    StepScope(StepScope? outer, bool isOutside) => (this.outer, this.isOutside) = (outer, isOutside);

    /// <summary>The innermost open scope of this thread, or null.</summary>
    public static StepScope? Current => current;

    /// <summary>Storages this scope still has to release.</summary>
    public int Count => storages.Count;

    /// <summary>Opens a scope on this thread. Dispose it on the same thread.</summary>
    public static StepScope Begin() => current = new StepScope(current, isOutside: false);

    /// <summary>
    /// Until disposed, new tensors of this thread belong to no scope: parameters, gradients, optimizer state. They live as
    /// long as somebody refers to them.
    /// </summary>
    public static StepScope Outside() => current = new StepScope(current, isOutside: true);

    /// <summary>Runs a function in a scope of its own and keeps nothing but its result.</summary>
    public static Tensor Run(Func<Tensor> function)
    {
        using StepScope scope = Begin();
        return scope.Keep(function());
    }

    /// <summary>Hands a tensor to the scope around this one, or, if there is none, to whoever holds it.</summary>
    /// <returns>The same tensor.</returns>
    public Tensor Keep(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (tensor.Storage.Scope == this) Adopt(outer, tensor.Storage);
        return tensor;
    }

    internal static void Register(Storage storage)
    {
        if (current is { } scope) Adopt(scope, storage);
    }

    static void Adopt(StepScope? scope, Storage storage)
    {
        if (scope is { isOutside: true }) scope = null;
        storage.Scope = scope;
        scope?.storages.Add(storage);
    }

    /// <summary>Releases what was not kept. Scopes that were left open inside end too.</summary>
    /// <exception cref="InvalidOperationException">The scope belongs to another thread.</exception>
    public void Dispose()
    {
        if (ended) return;
        StepScope? scope = current;
        while (scope is not null && scope != this) scope = scope.outer;
        if (scope is null) throw new InvalidOperationException("A step scope was disposed on another thread than the one that opened it.");
        while (current != this) current!.End();
        End();
    }

    void End()
    {
        ended = true;
        current = outer;
        foreach (Storage storage in storages)
            if (storage.Scope == this) storage.Release();
        storages.Clear();
    }
}

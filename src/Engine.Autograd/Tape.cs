using System.Runtime.CompilerServices;
using Engine.Tensors;

namespace Engine.Autograd;

/// <summary>Records operations as they run, and plays them backwards.</summary>
public static partial class Tape
{
    static long sequence;

    [ThreadStatic]
    static int paused;

    [ThreadStatic]
    static bool checksNumbers;

    /// <summary>False inside <see cref="NoGradient"/>.</summary>
    public static bool IsRecording => paused == 0;

    /// <summary>
    /// Checks every result and every gradient of this thread for NaN and infinity, and throws at the first, naming the
    /// operation. It waits for the device after each operation: for finding a fault, not for training.
    /// </summary>
    public static bool ChecksNumbers
    {
        get => checksNumbers;
        set => checksNumbers = value;
    }

    /// <summary>Until disposed, this thread records nothing: evaluation without the memory of training.</summary>
    public static Pause NoGradient() => new();

    /// <summary>Ends the pause that <see cref="NoGradient"/> began.</summary>
    public sealed class Pause : IDisposable
    {
        bool ended;

        internal Pause() => paused++;

        /// <summary>Records again.</summary>
        public void Dispose()
        {
            if (!ended) paused--;
            ended = true;
        }
    }

    /// <summary>Makes a result differentiable. This is all that an operation, built in or your own, has to call.</summary>
    /// <param name="value">The result.</param>
    /// <param name="inputs">What it was computed from; null stands for an optional input that was not given.</param>
    /// <param name="backward">
    /// From dL/d(result) to the inputs' gradients, in order; null for one that needs none (ask
    /// <see cref="Variable.RequiresGradient"/>). It must not change the tensor it is given.
    /// </param>
    /// <param name="saved">Tensors that only the backward function needs; their memory returns as soon as it has run.</param>
    /// <param name="operation">The name for messages; the calling method's by default.</param>
    public static Variable Record(
        Tensor value,
        ReadOnlySpan<Variable?> inputs,
        Func<Tensor, Gradients> backward,
        Tensor?[]? saved = null,
        [CallerMemberName] string operation = "")
    {
        ArgumentNullException.ThrowIfNull(value);
        ArgumentNullException.ThrowIfNull(backward);
        if (checksNumbers) CheckNumbers(value, operation, inputs);
        if (!Records(inputs))
        {
            Node.Release(saved);
            return new Variable(value);
        }

        Node node = new(Interlocked.Increment(ref sequence), operation, value, inputs.ToArray(), backward, saved ?? []);
        Variable result = new(value, node);
        node.Result = new(result);
        return result;
    }

    /// <summary>True if <see cref="Record"/> of a result of these inputs will ask for a backward function.</summary>
    public static bool Records(params ReadOnlySpan<Variable?> inputs)
    {
        if (paused > 0) return false;
        foreach (Variable? input in inputs)
            if (input is { RequiresGradient: true }) return true;
        return false;
    }

    // x * 0 is 0 for every finite x, so the sum tells of any other.
    internal static void CheckNumbers(Tensor value, string operation, ReadOnlySpan<Variable?> inputs)
    {
        if (!value.DType.IsFloating() || value.ElementCount == 0) return;
        using StepScope temporaries = StepScope.Begin();
        if (Reduction.Sum(Elementwise.Map(new Scale(0), value)).Item() == 0) return;
        string shapes = string.Join(", ", inputs.ToArray().Select(input => input?.Shape.ToString() ?? "none"));
        throw new GradientException($"NaN or infinity came out of {operation} (inputs {shapes}, result {value.Shape}).");
    }
}

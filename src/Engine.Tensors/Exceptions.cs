namespace Engine.Tensors;

/// <summary>Shapes, axes or element types do not fit the operation. The message names the operation and what it found.</summary>
public sealed class ShapeException(string message) : ArgumentException(message);

/// <summary>A device is absent, unusable, out of memory, or tensors of different devices met.</summary>
public sealed class DeviceException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>A tensor was used after its memory went back to the pool.</summary>
public sealed class ReleasedException(string message) : InvalidOperationException(message);

namespace Engine.Autograd;

/// <summary>Backward cannot do what was asked, or an anomaly was found. The message names operation or parameter.</summary>
public sealed class GradientException(string message) : InvalidOperationException(message);

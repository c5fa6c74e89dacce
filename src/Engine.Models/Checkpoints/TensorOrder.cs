namespace Engine.Models;

/// <summary>How a safetensors file's tensors lie in it.</summary>
public enum TensorOrder
{
    /// <summary>As the caller gives them: the order of the list, or without one of the calls.</summary>
    AsGiven,

    /// <summary>
    /// As the reference writer sorts them, which gives its very bytes: by type, from U64 down to BOOL as
    /// <see cref="SafeTensorType"/> lists them (so that every tensor lies aligned), then by the UTF-8 bytes of the name.
    /// </summary>
    Reference,
}

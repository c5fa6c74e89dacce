namespace Engine.Models;

/// <summary>
/// Element types of the safetensors format, spelled as its headers spell them. The order is the reference
/// implementation's: its writer sorts tensors by it, largest alignment first (<see cref="TensorOrder.Reference"/>).
/// </summary>
public enum SafeTensorType
{
    /// <summary>Boolean, one byte, 0 or 1.</summary>
    BOOL,
    /// <summary>4-bit float (OCP microscaling E2M1), two to a byte.</summary>
    F4,
    /// <summary>6-bit float, 2 exponent and 3 mantissa bits (OCP microscaling), four to three bytes.</summary>
    F6_E2M3,
    /// <summary>6-bit float, 3 exponent and 2 mantissa bits (OCP microscaling), four to three bytes.</summary>
    F6_E3M2,
    /// <summary>Unsigned 8-bit integer.</summary>
    U8,
    /// <summary>Signed 8-bit integer.</summary>
    I8,
    /// <summary>8-bit float, 5 exponent and 2 mantissa bits (Micikevicius et al. 2022).</summary>
    F8_E5M2,
    /// <summary>8-bit float, 4 exponent and 3 mantissa bits (Micikevicius et al. 2022).</summary>
    F8_E4M3,
    /// <summary>8-bit power of two, the scale of OCP microscaling blocks.</summary>
    F8_E8M0,
    /// <summary>8-bit float, 4 exponent and 3 mantissa bits, without infinities and negative zero (Noune et al. 2022).</summary>
    F8_E4M3FNUZ,
    /// <summary>8-bit float, 5 exponent and 2 mantissa bits, without infinities and negative zero (Noune et al. 2022).</summary>
    F8_E5M2FNUZ,
    /// <summary>Signed 16-bit integer.</summary>
    I16,
    /// <summary>Unsigned 16-bit integer.</summary>
    U16,
    /// <summary>IEEE half precision.</summary>
    F16,
    /// <summary>bfloat16: the upper half of a float32.</summary>
    BF16,
    /// <summary>Signed 32-bit integer.</summary>
    I32,
    /// <summary>Unsigned 32-bit integer.</summary>
    U32,
    /// <summary>IEEE single precision.</summary>
    F32,
    /// <summary>Complex number of two IEEE single precision parts, real part first.</summary>
    C64,
    /// <summary>IEEE double precision.</summary>
    F64,
    /// <summary>Signed 64-bit integer.</summary>
    I64,
    /// <summary>Unsigned 64-bit integer.</summary>
    U64,
}

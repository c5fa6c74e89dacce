using Engine.Tensors;
using static TorchSharp.torch;
using Tensor = Engine.Tensors.Tensor;

namespace Engine.Peers;

/// <summary>One matrix product.</summary>
static class GemmCase
{
    public static PeerCase Create(string name, int m, int k, int n, bool transposeA = false, bool transposeB = false) => new(
        $"gemm {name} {m}x{k}x{n}{(transposeA ? " A^T" : "")}{(transposeB ? " B^T" : "")}",
        sides =>
        {
            float[] left = new float[m * k], right = new float[k * n];
            new Philox(1, 0).FillNormal(left);
            new Philox(1, 1).FillNormal(right);
            Tensor a = transposeA ? Tensor.From(left, [k, m]).Transpose() : Tensor.From(left, [m, k]);
            Tensor b = transposeB ? Tensor.From(right, [n, k]).Transpose() : Tensor.From(right, [k, n]);
            Tensor y = Tensor.Empty([m, n]);
            void Ours() => Matrices.MatMulInto(a, b, y);
            if (sides == PeerSides.Ours) return new(Ours, Peer: null);
            var peerA = transposeA ? tensor(left, [k, m]).t() : tensor(left, [m, k]);
            var peerB = transposeB ? tensor(right, [n, k]).t() : tensor(right, [k, n]);
            return new(Ours, Peer: () => matmul(peerA, peerB).Dispose(), Check: () =>
            {
                Ours();
                using var product = matmul(peerA, peerB);
                PeerPair.Same(y.AsSpan<float>(), product.data<float>().ToArray(), 1e-4);
            });
        },
        2.0 * m * k * n);
}

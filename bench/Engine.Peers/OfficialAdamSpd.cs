using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Engine.Peers;

/// <summary>
/// Adam-SPD as the paper's script computes it: tensor by tensor, in the order of algorithm 2, with the condition and the
/// norms read by the host. The anchors are the values at construction.
/// </summary>
sealed class OfficialAdamSpd(IReadOnlyList<Parameter> parameters, double learningRate, double lambda)
{
    const double BetaOne = 0.9, BetaTwo = 0.999, Epsilon = 1e-8;

    readonly Tensor[] first = [.. parameters.Select(p => zeros_like(p))], second = [.. parameters.Select(p => zeros_like(p))];
    readonly Tensor[] anchors = [.. parameters.Select(p => p.detach().clone())];
    int step;

    public void Step()
    {
        step++;
        using var noGradient = no_grad();
        for (int i = 0; i < parameters.Count; i++)
        {
            using var scope = NewDisposeScope();
            Tensor w = parameters[i], g = w.grad!, m = first[i], v = second[i], anchor = anchors[i];
            m.mul_(BetaOne).add_(g, alpha: 1 - BetaOne);
            v.mul_(BetaTwo).addcmul_(g, g, value: 1 - BetaTwo);
            Tensor denominator = (v.sqrt() / Math.Sqrt(1 - Math.Pow(BetaTwo, step))).add_(Epsilon);
            Tensor update = w - learningRate / (1 - Math.Pow(BetaOne, step)) * (m / denominator);
            double condition = -(g * (w - anchor)).sum().item<float>();
            if (condition < 0)
            {
                double after = (update - anchor).norm().item<float>(), before = (w - anchor).norm().item<float>();
                double ratio = Math.Clamp((after - before) / after, 0, 1);
                update = update - lambda * ratio * (update - anchor);
            }

            w.copy_(update);
        }
    }
}

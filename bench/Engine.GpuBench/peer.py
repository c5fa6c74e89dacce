"""The torch side of measure: prepares one piece of work at a time and times it when told to.

One JSON object a line on standard input, one answer a line on standard output:
  {"hello": "cuda:0"}                                   -> {"name": "torch 2.x, NVIDIA ..."} or {"absent": "why"}
  {"prepare": {"op", "type", "shape", "option"}, "seconds": s} -> {"ready": true} or {"absent": "why"}; warmed up for s seconds
  {"time": s}                                           -> {"ms": milliseconds a call}, over as many calls as fill s seconds
  {"release": true}                                     -> {"ready": true}
"""
import json
import sys
import time

import torch
import torch.nn.functional as F

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def gemm(device, dtype, shape, option):
    """shape: M, K, N; option: tf32, left_transposed or right_transposed."""
    m, k, n = shape
    torch.backends.cuda.matmul.allow_tf32 = option == "tf32"
    a = torch.randn(k, m, device=device, dtype=dtype).t() if option == "left_transposed" else torch.randn(m, k, device=device, dtype=dtype)
    b = torch.randn(n, k, device=device, dtype=dtype).t() if option == "right_transposed" else torch.randn(k, n, device=device, dtype=dtype)
    y = torch.empty(m, n, device=device, dtype=dtype)
    return lambda: torch.matmul(a, b, out=y)


def attention(device, dtype, shape, option):
    """shape: batch, heads, tokens, width, causal; option: backward for the gradients too."""
    batch, heads, tokens, width, causal = shape
    backward = option == "backward"

    def draw(grad):
        x = torch.randn(batch, tokens, heads, width, device=device, dtype=dtype).transpose(1, 2)
        return x.requires_grad_(grad)

    query, key, value, dy = draw(backward), draw(backward), draw(backward), draw(False)

    def run():
        y = F.scaled_dot_product_attention(query, key, value, is_causal=bool(causal))
        if backward:
            torch.autograd.grad(y, (query, key, value), dy)

    return run


def rows(operation):
    """shape: rows, width."""

    def prepare(device, dtype, shape, option):
        x, z = torch.randn(*shape, device=device, dtype=dtype), torch.randn(*shape, device=device, dtype=dtype)
        y = torch.empty_like(x)
        return {
            "copy": lambda: y.copy_(x),
            "add": lambda: torch.add(x, z, out=y),
            "gelu": lambda: F.gelu(x),
            "softmax": lambda: torch.softmax(x, -1, out=y),
        }[operation]

    return prepare


def parameters(device, count, elements):
    made = [torch.nn.Parameter(0.02 * torch.randn(elements, device=device)) for _ in range(count)]
    for p in made:
        p.grad = 0.02 * torch.randn(elements, device=device)
    return made


def turning(params, period, step):
    """A step before which, every so many times, all gradients change their sign."""
    count = 0

    @torch.no_grad()
    def run():
        nonlocal count
        count += 1
        if count % period == 0:
            torch._foreach_neg_([p.grad for p in params])
        step()

    return run


def adamw(device, dtype, shape, option):
    """shape: tensors, elements, period; fused, which is torch's fastest."""
    count, elements, period = shape
    params = parameters(device, count, elements)
    return turning(params, period, torch.optim.AdamW(params, lr=1e-4, weight_decay=0.01, fused=True).step)


def adam_spd(device, dtype, shape, option):
    """Adam with selective projection as the paper states it and its script computes it: tensor by tensor, the
    condition and the norms read by the host. shape: tensors, elements, period."""
    count, elements, period = shape
    params = parameters(device, count, elements)
    anchors = [p.detach().clone() for p in params]
    first, second = [torch.zeros_like(p) for p in params], [torch.zeros_like(p) for p in params]
    beta1, beta2, rate, epsilon, strength, steps = 0.9, 0.999, 1e-4, 1e-8, 1.0, 0

    def step():
        nonlocal steps
        steps += 1
        for w, w0, m, v in zip(params, anchors, first, second):
            g = w.grad
            m.mul_(beta1).add_(g, alpha=1 - beta1)
            v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
            denominator = (v.sqrt() / (1 - beta2**steps) ** 0.5).add_(epsilon)
            u = w - rate / (1 - beta1**steps) * m / denominator
            c = -torch.sum(g * (w - w0))
            if c < 0:
                after, before = torch.norm(u - w0), torch.norm(w - w0)
                r = F.hardtanh((after - before) / after, 0, 1)
                u = u - strength * r * (u - w0)
            w.copy_(u)

    return turning(params, period, step)


class Block(torch.nn.Module):
    def __init__(self, width, heads, mlp):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = torch.nn.LayerNorm(width, eps=1e-6), torch.nn.LayerNorm(width, eps=1e-6)
        self.qkv, self.proj = torch.nn.Linear(width, 3 * width), torch.nn.Linear(width, width)
        self.fc1, self.fc2 = torch.nn.Linear(width, mlp), torch.nn.Linear(mlp, width)

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        x = x + self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, d))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class Vit(torch.nn.Module):
    def __init__(self, image, patch, width, depth, heads, mlp, classes):
        super().__init__()
        self.patches = torch.nn.Conv2d(3, width, patch, patch)
        self.token = torch.nn.Parameter(torch.zeros(1, 1, width))
        self.position = torch.nn.Parameter(0.02 * torch.randn(1, (image // patch) ** 2 + 1, width))
        self.blocks = torch.nn.Sequential(*[Block(width, heads, mlp) for _ in range(depth)])
        self.norm, self.head = torch.nn.LayerNorm(width, eps=1e-6), torch.nn.Linear(width, classes)

    def forward(self, images):
        x = self.patches(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position
        return self.head(self.norm(self.blocks(x))[:, 0])


def vit(device, dtype, shape, option):
    """shape: image, patch, width, depth, heads, mlp, classes, batch; bfloat16 is autocast over float32 weights."""
    *sizes, batch = shape
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    model = Vit(*sizes).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01, fused=True)
    images = torch.randn(batch, 3, sizes[0], sizes[0], device=device)
    targets = torch.arange(batch, device=device) % sizes[-1]

    def run():
        optimizer.zero_grad()
        with torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=dtype is not torch.float32):
            loss = F.cross_entropy(model(images), targets)
        loss.backward()
        optimizer.step()

    return run


OPERATIONS = {"gemm": gemm, "attention": attention, "adamw": adamw, "adam_spd": adam_spd, "vit": vit}
OPERATIONS.update({name: rows(name) for name in ("copy", "add", "gelu", "softmax")})


class Server:
    def __init__(self):
        self.device, self.run, self.milliseconds = "cpu", None, 1.0

    def synchronize(self):
        if self.device != "cpu":
            torch.cuda.synchronize()

    def clock(self, calls):
        self.synchronize()
        start = time.perf_counter()
        for _ in range(calls):
            self.run()
        self.synchronize()
        return 1e3 * (time.perf_counter() - start) / calls

    def hello(self, device):
        if device != "cpu" and not torch.cuda.is_available():
            return {"absent": "torch sees no CUDA device"}
        self.device = device
        name = torch.cuda.get_device_name(device) if device != "cpu" else f"cpu, {torch.get_num_threads()} threads"
        if device != "cpu":
            torch.cuda.set_device(device)
        return {"name": f"torch {torch.__version__}, {name}"}

    def prepare(self, request, seconds):
        self.run = OPERATIONS[request["op"]](self.device, DTYPES[request["type"]], request["shape"], request["option"])
        start, calls = time.perf_counter(), 0
        while calls < 3 or time.perf_counter() - start < seconds:
            self.run()
            calls += 1
            self.synchronize()
        self.milliseconds = self.clock(max(1, calls // 4))
        return {"ready": True}

    def time(self, seconds):
        return {"ms": self.clock(max(1, round(1e3 * seconds / max(self.milliseconds, 1e-4))))}

    def release(self):
        self.run = None
        if self.device != "cpu":
            torch.cuda.empty_cache()
        return {"ready": True}


def answer(server, message):
    if "hello" in message:
        return server.hello(message["hello"])
    if "prepare" in message:
        return server.prepare(message["prepare"], message["seconds"])
    return server.time(message["time"]) if "time" in message else server.release()


def main():
    server = Server()
    for line in sys.stdin:
        try:
            reply = answer(server, json.loads(line))
        except Exception as failure:  # out of memory, an operation that this torch lacks: the other side goes on alone
            server.run = None
            reply = {"absent": f"{type(failure).__name__}: {str(failure).splitlines()[0] if str(failure) else ''}"}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()

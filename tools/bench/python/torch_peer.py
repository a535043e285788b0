"""PyTorch on the CPU, eager. Peer `torch` keeps NCHW in memory, `torch-nhwc` channels_last (convolutional cases)."""
from harness import PEER, THREADS, main

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(THREADS)
torch.manual_seed(1)
CHANNELS_LAST = PEER == "torch-nhwc"


def laid_out(x):
    """A tensor or module in the peer's memory layout."""
    return x.to(memory_format=torch.channels_last) if CHANNELS_LAST else x


def without_gradients(f, *args):
    def call():
        with torch.no_grad():
            return f(*args)

    return call


def training(model, optimizer, loss):
    def step():
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        optimizer.step()

    return step


def mnist_model():
    pool = lambda: nn.MaxPool2d(2)
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding="same"), nn.ReLU(), pool(), nn.Conv2d(32, 64, 5, padding="same"), nn.ReLU(), pool(),
        nn.Flatten(), nn.Linear(3136, 1024), nn.ReLU(), nn.Linear(1024, 10))


def gemm(spec):
    n = spec["n"]
    a, b, c = torch.randn(n, n), torch.randn(n, n), torch.empty(n, n)
    return lambda: torch.mm(a, b, out=c)


def mnist_train(spec):
    model = laid_out(mnist_model())
    x, y = laid_out(torch.rand(spec["batch"], 1, 28, 28)), torch.randint(0, 10, (spec["batch"],))
    optimizer = torch.optim.Adam(model.parameters(), spec["learningRate"], fused=True)
    return training(model, optimizer, lambda: F.cross_entropy(model(x), y))


def mnist_infer(spec):
    return without_gradients(laid_out(mnist_model().eval()), laid_out(torch.rand(spec["batch"], 1, 28, 28)))


def sgd(model, spec, loss):
    return training(model, torch.optim.SGD(model.parameters(), spec["learningRate"], fused=True), loss)


def mlp_train(spec):
    inputs, hidden, classes = spec["layers"]
    model = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, classes))
    x, y = torch.rand(spec["batch"], inputs), torch.randint(0, classes, (spec["batch"],))
    return sgd(model, spec, lambda: F.cross_entropy(model(x), y))


def logistic_train(spec):
    model = nn.Linear(spec["features"], 1)
    x, y = torch.rand(spec["batch"], spec["features"]), torch.randint(0, 2, (spec["batch"], 1)).float()
    return sgd(model, spec, lambda: F.binary_cross_entropy_with_logits(model(x), y))


ELEMENTWISE = {
    "chain": lambda x: torch.tanh(1.5 * x + 0.5) * torch.sigmoid(x) + torch.exp(-x * x),
    "softmax": lambda x: torch.softmax(x, 1),
    "sum-axis0": lambda x: x.sum(0),
    "sum-axis1": lambda x: x.sum(1),
    "transpose": lambda x: x.t().contiguous(),
    "topk8": lambda x: torch.topk(x, 8),
    "layernorm": lambda x, scale, shift: F.layer_norm(x, x.shape[1:], scale, shift, 1e-5),
}


def elementwise(spec):
    return without_gradients(ELEMENTWISE[spec["op"]], *(torch.randn(shape) for shape in spec["shapes"]))


def conv(spec):
    k, groups = spec["kernel"], spec["groups"]
    x = laid_out(torch.randn(spec["batch"], spec["input"], spec["size"], spec["size"]))
    w = laid_out(torch.randn(spec["output"], spec["input"] // groups, k, k))
    return without_gradients(lambda: F.conv2d(x, w, padding=k // 2, groups=groups))


main({"gemm": gemm, "mnist-train": mnist_train, "mnist-infer": mnist_infer, "mlp-train": mlp_train,
      "logistic-train": logistic_train, "elementwise": elementwise, "conv": conv})

"""JAX on the CPU: every case is one jitted function; training donates its parameters."""
import os

from harness import THREADS, main

# XLA's CPU client sizes its pool by the processors that the process may use.
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
os.environ.update(NPROC=str(THREADS), JAX_PLATFORMS="cpu")
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax, nn

rng = np.random.default_rng(1)


def normal(*shape):
    return jnp.asarray(rng.standard_normal(shape, np.float32))


def weights(*shape):
    return 0.05 * normal(*shape)


def integers(high, *shape):
    return jnp.asarray(rng.integers(0, high, shape).astype(np.int32))


def jitted(f, *args):
    compiled = jax.jit(f)
    return lambda: jax.block_until_ready(compiled(*args))


def training(state, step, *batch):
    """step(state, *batch) gives the next state."""
    compiled = jax.jit(step, donate_argnums=0)
    held = [state]

    def call():
        held[0] = jax.block_until_ready(compiled(held[0], *batch))

    return call


def sgd(loss, rate):
    def step(params, *batch):
        return jax.tree.map(lambda p, g: p - rate * g, params, jax.grad(loss)(params, *batch))

    return step


def adam(loss, rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
    def step(state, *batch):
        params, m, v, t = state
        gradient, t = jax.grad(loss)(params, *batch), t + 1
        m = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, m, gradient)
        v = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * g * g, v, gradient)
        scale = rate * jnp.sqrt(1 - beta2**t) / (1 - beta1**t)
        return jax.tree.map(lambda p, m, v: p - scale * m / (jnp.sqrt(v) + epsilon), params, m, v), m, v, t

    return step


def softmax_loss(labels, logits):
    return -jnp.mean(jnp.take_along_axis(nn.log_softmax(logits), labels[:, None], 1))


def conv2d(x, w, groups=1):
    return lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"),
                                    feature_group_count=groups)


def mnist_weights():
    return [(weights(*s), weights(s[-1])) for s in ((5, 5, 1, 32), (5, 5, 32, 64), (3136, 1024), (1024, 10))]


def mnist_model(params, x):
    (w1, b1), (w2, b2), (w3, b3), (w4, b4) = params
    for w, b in ((w1, b1), (w2, b2)):
        x = lax.reduce_window(nn.relu(conv2d(x, w) + b), -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "SAME")
    return nn.relu(x.reshape(-1, 3136) @ w3 + b3) @ w4 + b4


def gemm(spec):
    n = spec["n"]
    return jitted(jnp.matmul, normal(n, n), normal(n, n))


def mnist_train(spec):
    params, batch = mnist_weights(), spec["batch"]
    zeros = lambda: jax.tree.map(jnp.zeros_like, params)
    step = adam(lambda p, x, y: softmax_loss(y, mnist_model(p, x)), spec["learningRate"])
    return training((params, zeros(), zeros(), jnp.zeros(())), step, normal(batch, 28, 28, 1), integers(10, batch))


def mnist_infer(spec):
    return jitted(mnist_model, mnist_weights(), normal(spec["batch"], 28, 28, 1))


def mlp_train(spec):
    inputs, hidden, classes = spec["layers"]

    def loss(p, x, y):
        return softmax_loss(y, nn.relu(x @ p[0] + p[1]) @ p[2] + p[3])

    params = [weights(inputs, hidden), weights(hidden), weights(hidden, classes), weights(classes)]
    return training(params, sgd(loss, spec["learningRate"]), normal(spec["batch"], inputs),
                    integers(classes, spec["batch"]))


def logistic_train(spec):
    def loss(p, x, y):
        z = x @ p[0] + p[1]
        return jnp.mean(jnp.maximum(z, 0) - z * y + jnp.log1p(jnp.exp(-jnp.abs(z))))

    labels = integers(2, spec["batch"], 1).astype(jnp.float32)
    return training([weights(spec["features"], 1), weights(1)], sgd(loss, spec["learningRate"]),
                    normal(spec["batch"], spec["features"]), labels)


def layer_norm(x, scale, shift):
    centred = x - jnp.mean(x, 1, keepdims=True)
    return centred * lax.rsqrt(jnp.mean(centred**2, 1, keepdims=True) + 1e-5) * scale + shift


ELEMENTWISE = {
    "chain": lambda x: jnp.tanh(1.5 * x + 0.5) * nn.sigmoid(x) + jnp.exp(-x * x),
    "softmax": nn.softmax,
    "sum-axis0": lambda x: jnp.sum(x, 0),
    "sum-axis1": lambda x: jnp.sum(x, 1),
    "transpose": jnp.transpose,
    "topk8": lambda x: lax.top_k(x, 8),
    "layernorm": layer_norm,
}


def elementwise(spec):
    return jitted(ELEMENTWISE[spec["op"]], *(normal(*shape) for shape in spec["shapes"]))


def conv(spec):
    k, i, o, groups = spec["kernel"], spec["input"], spec["output"], spec["groups"]
    x, w = normal(spec["batch"], spec["size"], spec["size"], i), normal(k, k, i // groups, o)
    return jitted(lambda x, w: conv2d(x, w, groups), x, w)


main({"gemm": gemm, "mnist-train": mnist_train, "mnist-infer": mnist_infer, "mlp-train": mlp_train,
      "logistic-train": logistic_train, "elementwise": elementwise, "conv": conv})

"""TensorFlow on the CPU in TensorFlow 1 manner: a graph, placeholders, Session.make_callable.

Peer `tensorflow` is as installed; `tensorflow-onednn` turns oneDNN on (TensorFlow itself does so on newer CPUs only).
Feeds are aligned, so that they are not copied; outputs are fetched, which does not copy either.
"""
import os

from harness import PEER, SPEC, THREADS, main

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
if PEER == "tensorflow-onednn":
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_eager_execution()
rng = np.random.default_rng(1)


def aligned(array):
    """A copy that starts at a multiple of 64 bytes."""
    raw = np.empty(array.nbytes + 64, np.uint8)
    start = -raw.ctypes.data % 64
    copy = raw[start:start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def normal(*shape):
    return aligned(rng.standard_normal(shape, np.float32))


def uniform(*shape):
    return aligned(rng.random(shape, np.float32))


def one_hot(rows, classes):
    return aligned(np.eye(classes, dtype=np.float32)[rng.integers(0, classes, rows)])


def weights(*shape):
    return tf.Variable(0.05 * rng.standard_normal(shape, np.float32))


def frozen(*shape):
    """Weights of a graph for inference: constants, as TensorFlow 1 deploys them."""
    return tf.constant(0.05 * rng.standard_normal(shape, np.float32))


def callable_of(build, arrays):
    """The session's callable over build(placeholders), fed with arrays."""
    placeholders = [tf.placeholder(a.dtype, a.shape) for a in arrays]
    fetch = build(*placeholders)
    session = tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=THREADS,
                                               inter_op_parallelism_threads=THREADS))
    session.run(tf.global_variables_initializer())
    if SPEC.get("feedDict"):
        feeds = dict(zip(placeholders, arrays))
        return lambda: session.run(fetch, feeds)
    run = session.make_callable(fetch, feed_list=placeholders)
    return lambda: run(*arrays)


def softmax_loss(labels, logits):
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits))


def mnist_model(image, make):
    def conv_pool(x, i, o):
        x = tf.nn.relu(tf.nn.conv2d(x, make(5, 5, i, o), [1, 1, 1, 1], "SAME") + make(o))
        return tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")

    x = conv_pool(conv_pool(tf.reshape(image, [-1, 28, 28, 1]), 1, 32), 32, 64)
    x = tf.nn.relu(tf.matmul(tf.reshape(x, [-1, 3136]), make(3136, 1024)) + make(1024))
    return tf.matmul(x, make(1024, 10)) + make(10)


def gemm(spec):
    n = spec["n"]
    return callable_of(tf.matmul, [normal(n, n), normal(n, n)])


def mnist_train(spec):
    def step(x, y):
        return tf.train.AdamOptimizer(spec["learningRate"]).minimize(softmax_loss(y, mnist_model(x, weights)))

    return callable_of(step, [uniform(spec["batch"], 784), one_hot(spec["batch"], 10)])


def mnist_infer(spec):
    return callable_of(lambda x: mnist_model(x, frozen), [uniform(spec["batch"], 784)])


def mlp_train(spec):
    inputs, hidden, classes = spec["layers"]

    def step(x, y):
        h = tf.nn.relu(tf.matmul(x, weights(inputs, hidden)) + weights(hidden))
        loss = softmax_loss(y, tf.matmul(h, weights(hidden, classes)) + weights(classes))
        return tf.train.GradientDescentOptimizer(spec["learningRate"]).minimize(loss)

    return callable_of(step, [uniform(spec["batch"], inputs), one_hot(spec["batch"], classes)])


def logistic_train(spec):
    def step(x, y):
        logits = tf.matmul(x, weights(spec["features"], 1)) + weights(1)
        loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits))
        return tf.train.GradientDescentOptimizer(spec["learningRate"]).minimize(loss)

    labels = aligned(rng.integers(0, 2, (spec["batch"], 1)).astype(np.float32))
    return callable_of(step, [uniform(spec["batch"], spec["features"]), labels])


def layer_norm(x, scale, shift):
    mean, variance = tf.nn.moments(x, [1], keep_dims=True)
    return tf.nn.batch_normalization(x, mean, variance, shift, scale, 1e-5)


ELEMENTWISE = {
    "chain": lambda x: tf.tanh(1.5 * x + 0.5) * tf.sigmoid(x) + tf.exp(-x * x),
    "softmax": tf.nn.softmax,
    "sum-axis0": lambda x: tf.reduce_sum(x, 0),
    "sum-axis1": lambda x: tf.reduce_sum(x, 1),
    "transpose": tf.transpose,
    "topk8": lambda x: tf.nn.top_k(x, 8),
    "layernorm": layer_norm,
}


def elementwise(spec):
    return callable_of(ELEMENTWISE[spec["op"]], [normal(*shape) for shape in spec["shapes"]])


def conv(spec):
    k, i, o = spec["kernel"], spec["input"], spec["output"]
    f, last = (tf.nn.depthwise_conv2d, o // i) if spec["groups"] > 1 else (tf.nn.conv2d, o)
    x = normal(spec["batch"], spec["size"], spec["size"], i)
    return callable_of(lambda x, w: f(x, w, [1, 1, 1, 1], "SAME"), [x, normal(k, k, i, last)])


main({"gemm": gemm, "mnist-train": mnist_train, "mnist-infer": mnist_infer, "mlp-train": mlp_train,
      "logistic-train": logistic_train, "elementwise": elementwise, "conv": conv})

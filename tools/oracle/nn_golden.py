"""Records TensorFlow's results of composed functions (tf.nn, clipping, linear algebra) for packages/core/src/nn/nnGolden.test.ts.

Run with a Python that has TensorFlow:
    python tools/oracle/nn_golden.py > packages/core/src/nn/generated/nnGolden.json
Each entry: name → nested list, a value or the gradient of its sum by x.
"""
import json

import numpy as np
import tensorflow as tf

tf = tf.compat.v1
tf.disable_eager_execution()

A = [[0.5, -1.5, 2.0], [1.0, 0.25, -0.75]]
P = [[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]]
Z = [[0.0, 1.0, 1.0], [0.0, 0.5, 1.0]]
C = [[[1.0, 2.0], [0.5, -1.0], [3.0, 0.0], [-2.0, 1.0]]]  # [1, 4, 2]
K = [[[1.0, 0.5], [-1.0, 2.0]], [[0.25, 1.0], [1.0, -0.5]]]  # [2, 2, 2]
I = np.arange(2 * 4 * 4 * 2, dtype=np.float32).reshape(2, 4, 4, 2) / 10 - 1
D = np.arange(2 * 2 * 2 * 2, dtype=np.float32).reshape(2, 2, 2, 2) / 8 - 1
W = np.arange(1 * 1 * 4 * 3, dtype=np.float32).reshape(1, 1, 4, 3) / 6 - 1
T = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0], [9.0, 10.0]]
x, p, z = tf.constant(A), tf.constant(P), tf.constant(Z)
out = {}


def put(name, y, grad=None):
    out[name] = y
    if grad is not None:
        out[name + "/grad"] = tf.gradients(y, grad)[0]


put("softmax axis 0", tf.nn.softmax(x, axis=0), None)
put("logSoftmax", tf.nn.log_softmax(x), None)
put("softmaxCrossEntropy", tf.nn.softmax_cross_entropy_with_logits_v2(labels=p, logits=x), x)
put("softmaxCrossEntropy axis 0", tf.nn.softmax_cross_entropy_with_logits_v2(labels=tf.transpose(p), logits=tf.transpose(x), axis=0), x)
put("sparseSoftmaxCrossEntropy", tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[2, 0], logits=x), x)
put("sparseSoftmaxCrossEntropy 3-D", tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[[2, 0]], logits=tf.expand_dims(x, 0)), x)
put("sigmoidCrossEntropy", tf.nn.sigmoid_cross_entropy_with_logits(labels=z, logits=x), x)
put("weightedCrossEntropy", tf.nn.weighted_cross_entropy_with_logits(labels=z, logits=x, pos_weight=2.0), x)
put("logPoisson", tf.nn.log_poisson_loss([[0.0, 1.0, 2.0], [3.0, 4.0, 0.5]], x, compute_full_loss=True), x)
put("crelu", tf.nn.crelu(x), x)
put("swish", tf.nn.swish(x), x)
put("l2Normalize", tf.nn.l2_normalize(x, axis=1), x)
put("zeroFraction", tf.nn.zero_fraction(z))
mean, variance = tf.nn.moments(x, [0])
put("moments mean", mean, x)
put("moments variance", variance, x)
mean, variance = tf.nn.weighted_moments(x, [1], [[1.0, 2.0, 3.0]])
put("weightedMoments mean", mean)
put("weightedMoments variance", variance, x)
put("batchNormalization", tf.nn.batch_normalization(x, *[tf.constant(v) for v in ([0.1, 0.2, 0.3], [1.0, 2.0, 0.5], [1.0, 0.0, -1.0], [2.0, 1.0, 0.5])], 0.001), x)
put("reduceLogsumexp", tf.reduce_logsumexp(x, axis=1), x)
put("reduceProd", tf.reduce_prod(tf.concat([x, [[0.0, 2.0, 3.0]]], 0), axis=[0, 1]), x)
put("reduceVariance", tf.math.reduce_variance(x, axis=1), x)
put("reduceStd", tf.math.reduce_std(x), x)
put("countNonzero", tf.count_nonzero(z, axis=1))
put("clipByNorm", tf.clip_by_norm(x, 1.5, axes=[1]), x)
put("clipByValue", tf.clip_by_value(x, -0.6, 1.2), x)
put("clipByAverageNorm", tf.clip_by_average_norm(x, 0.3))
clipped, norm = tf.clip_by_global_norm([x, None, z], 2.0)
put("globalNorm", norm)
put("clipByGlobalNorm", clipped[0])
put("tensordot 1", tf.tensordot(x, tf.constant(C)[0, :3], 1), x)
put("tensordot axes", tf.tensordot(tf.constant(D), tf.constant(I), [[0, 1], [0, 3]]))
put("norm", tf.norm(x), x)
put("norm 1 axis 1", tf.norm(x, ord=1, axis=1))
put("norm inf matrix", tf.norm(x, ord=np.inf, axis=[0, 1]))
put("norm 3", tf.norm(x, ord=3, axis=0))
put("trace", tf.trace(tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])))
put("eye", tf.eye(2, num_columns=3, batch_shape=[2]))
put("conv1d", tf.nn.conv1d(tf.constant(C), tf.constant(K), stride=1, padding="SAME"))
put("separable", tf.nn.separable_conv2d(tf.constant(I), tf.constant(D), tf.constant(W), [1, 1, 1, 1], "VALID"))
put("depthwise rate", tf.nn.depthwise_conv2d(tf.constant(I), tf.constant(D), [1, 1, 1, 1], "SAME", rate=[2, 2]))
put("atrous", tf.nn.atrous_conv2d(tf.constant(I), tf.constant(D), 2, "SAME"))
put("pool 1-D", tf.nn.pool(tf.constant(C), [2], "AVG", "VALID"))
ids = tf.constant([[4, 0], [2, 4]])
parts = [tf.constant(T[0:3]), tf.constant(T[3:5])]
put("embedding", tf.nn.embedding_lookup(tf.constant(T), ids))
put("embedding mod", tf.nn.embedding_lookup(parts, ids))
put("embedding div", tf.nn.embedding_lookup(parts, ids, partition_strategy="div"))
put("embedding maxNorm", tf.nn.embedding_lookup(tf.constant(T), ids, max_norm=3.0))
put("xwPlusB", tf.nn.xw_plus_b(x, tf.transpose(p), [1.0, -1.0]))
put("inTopK", tf.cast(tf.nn.in_top_k(x, [0, 2], 2), tf.int32))
put("topK grad", tf.nn.top_k(x, 2).values, x)
put("cumsum", tf.cumsum(x, axis=1, exclusive=True, reverse=True), x)
put("fusedBatchNorm", tf.nn.fused_batch_norm(tf.constant(I), tf.constant([1.0, 2.0]), tf.constant([0.5, -0.5]))[0])

with tf.Session() as session:
    values = session.run(out)
print(json.dumps({k: np.vectorize(lambda v: float(f"{v:.8g}"))(v.astype(np.float64)).tolist() for k, v in values.items()}, separators=(",", ":")).replace('],"', '],\n"'))

"""Records TensorFlow's results of math and nn ops for packages/core/src/ops/mathGolden.test.ts.

Run with a Python that has TensorFlow:
    python tools/oracle/math_golden.py > packages/core/src/ops/generated/mathGolden.json
Each case: op type, inputs by argument name as [dtype, value], attributes, expected outputs as [dtype, value, shape] in order.
"""
import json
import math

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import op_def_library, op_def_registry

nan, inf = float("nan"), float("inf")
cases = []
config = tf.compat.v1.ConfigProto()
config.graph_options.rewrite_options.disable_meta_optimizer = True


def plain(x, digits=9):
    if isinstance(x, list):
        return [plain(y, digits) for y in x]
    if isinstance(x, float):
        if math.isnan(x):
            return "nan"
        if math.isinf(x):
            return "inf" if x > 0 else "-inf"
        return float(f"{x:.{digits}g}")
    return x


def record(op, inputs, attrs=None, keep=None):
    """Runs one op in a graph; keep = how many outputs are compared."""
    attrs = attrs or {}
    with tf.Graph().as_default() as graph:
        tensors = {
            k: [tf.constant(d, dtype=t) for t, d in v] if isinstance(v, list) else tf.constant(v[1], dtype=v[0])
            for k, v in inputs.items()
        }
        for a in op_def_registry.get(op).attr:
            if a.HasField("default_value") and a.type != "type" and a.name not in attrs:
                kind = a.default_value.WhichOneof("value")
                tensors[a.name] = getattr(a.default_value, kind)
        made = op_def_library.apply_op(op, **tensors, **{k: getattr(tf, a) if a in ("int32", "int64") else a for k, a in attrs.items()})
        outs = list(made) if isinstance(made, (list, tuple)) else [made]
        with tf.compat.v1.Session(graph=graph, config=config) as session:
            results = session.run(outs)[:keep]
    cases.append({
        "op": op,
        "inputs": {k: [[t, plain(d)] for t, d in v] if isinstance(v, list) else [v[0], plain(v[1])] for k, v in inputs.items()},
        "attrs": attrs,
        "outputs": [[r.dtype.name, plain(np.asarray(r).tolist(), 16 if r.dtype == np.float64 else 9), list(np.asarray(r).shape)] for r in results],
    })


def f(x):
    return ("float32", x)


def d(x):
    return ("float64", x)


def i(x):
    return ("int32", x)


odd = [-2.5, -1.5, -1.0, -0.5, -0.1, -1e-4, 0.0, 1e-4, 0.1, 0.5, 1.0, 1.5, 2.5, 3.7, 9.0, nan, inf, -inf]
for op in ["Abs", "Sign", "Reciprocal", "Rsqrt", "Round", "Rint", "Ceil", "Floor", "Expm1", "Log1p", "Sin", "Cos", "Tan", "Asin",
           "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh", "Erf", "Erfc", "Erfinv", "Lgamma", "Digamma", "IsNan", "IsInf",
           "IsFinite", "BesselI0e", "BesselI1e", "Sigmoid", "Tanh", "Exp", "Log", "Sqrt", "Neg", "Square", "Inv"]:
    xs = odd
    if op == "Digamma":
        xs = [v for v in odd if math.isfinite(v) and not (v <= 0 and v == math.floor(v))]
    if op in ("Sin", "Cos", "Tan", "BesselI0e", "BesselI1e"):
        xs = [v for v in odd if not math.isinf(v)]
    record(op, {"x": f(xs)})
    if op in ("Erfc", "Erfinv", "Lgamma", "Digamma", "Sinh", "Asinh", "Acosh", "Atanh", "BesselI0e", "BesselI1e"):
        record(op, {"x": d([-0.9, -0.3, 0.2, 0.7, 0.999, 1.3, 4.2, 8.5, 25.0])})
record("Erfc", {"x": f([3.0, 5.0, 8.0])})
for op in ["Relu", "Relu6", "Elu", "Selu", "Softplus", "Softsign", "LeakyRelu"]:
    record(op, {"features": f([v for v in odd if not math.isnan(v) and not math.isinf(v)] + [30.0, -30.0, 100.0])})
a, b = [7.0, -7.0, 7.0, -7.0, 0.0, 3.5], [2.5, 2.5, -2.5, -2.5, 1.0, 0.5]
for op in ["Pow", "Maximum", "Minimum", "SquaredDifference", "FloorDiv", "FloorMod", "TruncateMod", "Mod", "Div", "RealDiv", "DivNoNan",
           "MulNoNan", "Xdivy", "Xlogy"]:
    record(op, {"x": f([a, a]), "y": f(b)})
for op in ["FloorDiv", "FloorMod", "TruncateMod", "TruncateDiv", "Div", "Maximum", "SquaredDifference"]:
    record(op, {"x": i([7, -7, 7, -7, 6, 0]), "y": i([2, 2, -2, -2, 3, 5])})
record("Pow", {"x": i([2, -3, 5, 0]), "y": i([10, 3, 0, 4])})
record("DivNoNan", {"x": f([1.0, 0.0, nan]), "y": f([0.0, 0.0, 0.0])})
record("Xlogy", {"x": f([0.0, 0.0, 2.0]), "y": f([0.0, -1.0, 3.0])})
record("Atan2", {"y": f([1.0, -1.0, 0.0, -2.0]), "x": f([-1.0, -1.0, -1.0, 0.5])})
for op in ["BitwiseAnd", "BitwiseOr", "BitwiseXor", "LeftShift", "RightShift"]:
    record(op, {"x": i([12, 10, -3, 255]), "y": i([2, 3, 1, 4])})
record("Invert", {"x": i([0, 5, -3])})
record("PopulationCount", {"x": i([0, 5, -1])})
record("Zeta", {"x": d([1.5, 2.0, 4.0, 3.0]), "q": d([0.5, 1.0, 3.0, 12.5])})
record("Polygamma", {"a": d([0.0, 1.0, 2.0, 3.0]), "x": d([0.5, 1.0, 3.0, 2.2])})
record("ClipByValue", {"t": f([-2.0, 0.5, 3.0]), "clip_value_min": f(-1.0), "clip_value_max": f(1.0)})
record("Cross", {"a": f([1.0, 2.0, 3.0]), "b": f([-2.0, 0.5, 1.0])})

m = [[1.0, -2.0, 3.0], [4.0, 0.0, -1.0]]
for op in ["Sum", "Mean", "Prod", "Max", "Min", "EuclideanNorm"]:
    record(op, {"input": f(m), "reduction_indices": i([1])})
    record(op, {"input": f(m), "reduction_indices": i([0, -1])}, {"keep_dims": True})
record("Mean", {"input": i([7, -2, -6]), "reduction_indices": i([0])})
for op in ["All", "Any"]:
    record(op, {"input": ("bool", [[True, False], [True, True]]), "reduction_indices": i([1])})
for op in ["Cumsum", "Cumprod", "CumulativeLogsumexp"]:
    for exclusive in (False, True):
        for reverse in (False, True):
            record(op, {"x": f(m), "axis": i(1)}, {"exclusive": exclusive, "reverse": reverse})
record("Cumsum", {"x": i([[1, 2, 3, 4, 5]]), "axis": i(-1)})

r = np.random.RandomState(3)
x = r.randn(2, 2, 3, 4).astype("float32")
dy = r.randn(2, 2, 3, 4).astype("float32")
scale, offset = [0.5, 1.0, 1.5, 2.0], [0.1, -0.2, 0.3, 0.0]
mean, variance = [0.1, 0.2, -0.3, 0.0], [1.0, 0.5, 2.0, 1.5]
norm = {"scale": f(scale), "offset": f(offset), "mean": f(mean), "variance": f(variance)}
for training in (True, False):
    for op in ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"):
        record(op, {"x": f(x.tolist()), **norm}, {"is_training": training, "epsilon": 0.01}, keep=3 if training else 1)
    grads = {"y_backprop": f(dy.tolist()), "x": f(x.tolist()), "scale": f(scale), "reserve_space_1": f(mean), "reserve_space_2": f(variance)}
    if not training:
        record("FusedBatchNormGrad", grads, {"is_training": False, "epsilon": 0.01}, keep=3)
record("FusedBatchNormV3", {"x": f(x.tolist()), **norm}, {"exponential_avg_factor": 0.25}, keep=3)
batch_mean, batch_variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
record("FusedBatchNormGrad", {"y_backprop": f(dy.tolist()), "x": f(x.tolist()), "scale": f(scale), "reserve_space_1": f(batch_mean.tolist()),
                             "reserve_space_2": f(batch_variance.tolist())}, {"epsilon": 0.01}, keep=3)
record("LRN", {"input": f(x.tolist())}, {"depth_radius": 1, "bias": 2.0, "alpha": 0.5, "beta": 0.75})
record("LRNGrad", {"input_grads": f(dy.tolist()), "input_image": f(x.tolist()), "output_image": f(x.tolist())}, {"depth_radius": 2, "beta": 0.75})
record("BiasAdd", {"value": f(m), "bias": f([1.0, 2.0, 3.0])})
record("BiasAddGrad", {"out_backprop": f(x.tolist())}, {"data_format": "NHWC"})
record("L2Loss", {"t": f(m)})
record("TopKV2", {"input": f([[3.0, 1.0, 3.0, 2.0], [0.0, -1.0, 5.0, 5.0]]), "k": i(3)})
record("InTopK", {"predictions": f([[0.1, 0.7, 0.2], [0.5, 0.5, 0.5], [nan, 1.0, 2.0], [0.3, 0.2, 0.1]]), "targets": i([2, 1, 1, 2])}, {"k": 2})
p, q = r.randn(2, 1, 3, 2).astype("float32").tolist(), r.randn(4, 2, 3).astype("float32").tolist()
record("BatchMatMulV2", {"x": f(p), "y": f(q)})
record("BatchMatMulV2", {"x": f(p), "y": f(q)}, {"adj_x": True, "adj_y": True})
record("Einsum", {"inputs": [f(r.randn(2, 3, 4).tolist()), f(r.randn(4, 2, 5).tolist())]}, {"equation": "bij,jbk->kb"})
record("Einsum", {"inputs": [f(r.randn(2, 3, 4).tolist()), f(r.randn(4, 5).tolist())]}, {"equation": "...j,jk->...k"})
record("AddN", {"inputs": [f(m), f(m), f(m)]})
print(json.dumps(cases, separators=(",", ":")).replace('{"op"', '\n{"op"'))

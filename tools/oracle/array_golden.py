"""Records TensorFlow's results of array ops for packages/core/src/ops/arrayGolden.test.ts.

Run with a Python that has TensorFlow:
    python tools/oracle/array_golden.py > packages/core/src/ops/generated/arrayGolden.json
Each case: op type, inputs by argument name as [dtype, value], attributes, expected outputs as [dtype, value] in order.
"""
import json
import math

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import op_def_library, op_def_registry

nan = float("nan")
cases = []


def f(data):
    return ("float32", data)


def i(data):
    return ("int32", data)


def l(data):
    return ("int64", data)


def b(data):
    return ("bool", data)


def tensor(x):
    if isinstance(x, list):
        return [tensor(y) for y in x]
    dtype, data = x
    return tf.constant(data, dtype=dtype)


def plain(a):
    a = np.asarray(a)
    return [a.dtype.name, numbers(a.tolist()), list(a.shape)]


def numbers(x):
    """JSON has no NaN and no infinities."""
    if isinstance(x, (list, tuple)):
        return [numbers(y) for y in x]
    return repr(x) if isinstance(x, float) and not math.isfinite(x) else x


def default(a):
    v = a.default_value
    kind = v.WhichOneof("value")
    return list(v.list.i) if kind == "list" else getattr(v, kind)


def case(op, attrs=None, **inputs):
    attrs = attrs or {}
    with tf.Graph().as_default() as graph:
        args = {k: tensor(v) for k, v in inputs.items()}
        args.update({k: tf.as_dtype(v) if k in ("output_type", "out_idx") else v for k, v in attrs.items()})
        for a in op_def_registry.get(op).attr:
            if a.HasField("default_value") and a.type != "type" and a.name not in args:
                args[a.name] = default(a)
        op_def_library.apply_op(op, name="case", **args)
        node = graph.get_operation_by_name("case")
        with tf.compat.v1.Session() as session:
            outs = session.run(list(node.outputs))
    cases.append({
        "op": op,
        "inputs": {k: numbers([list(x) for x in v] if isinstance(v, list) else list(v)) for k, v in inputs.items()},
        "attrs": attrs,
        "outputs": [plain(t) for t in outs],
    })


def grid(*shape, dtype="float32", start=1):
    n = int(np.prod(shape))
    return (dtype, np.arange(start, start + n).reshape(shape).tolist())


# shape
case("ExpandDims", input=grid(2, 3), dim=i(-2))
case("Transpose", x=grid(2, 3, 4), perm=i([1, 2, 0]))
case("ReverseV2", tensor=grid(2, 3, 2), axis=i([0, -1]))
case("ReverseSequence", {"seq_dim": 2, "batch_dim": 0}, input=grid(2, 2, 4), seq_lengths=l([3, 0]))
case("ReverseSequence", {"seq_dim": 0, "batch_dim": 1}, input=grid(4, 3), seq_lengths=l([1, 4, 2]))
case("InvertPermutation", x=i([3, 4, 0, 2, 1]))
case("Squeeze", {"squeeze_dims": [0, -1]}, input=grid(1, 2, 1, 1))
case("Fill", dims=i([2, 2]), value=f(7.5))
case("LinSpace", start=f(-1.0), stop=f(2.0), num=i(7))
case("LinSpace", start=f(3.0), stop=f(5.0), num=i(1))
for axis in (-1, 0, 1):
    case("OneHot", {"axis": axis}, indices=i([[0, 2], [3, -1]]), depth=i(3), on_value=f(5.0), off_value=f(-1.0))
case("ArgMax", input=f([[1, 3, 3], [2, 0, 2]]), dimension=i(1))
case("ArgMax", input=f([nan, 1, 2]), dimension=i(0))
case("ArgMax", input=f([nan, nan]), dimension=i(0))
case("ArgMax", input=f([float("-inf"), float("-inf")]), dimension=i(0))
case("ArgMin", {"output_type": "int32"}, input=i([[4, -3, 3], [2, 0, -9]]), dimension=i(0))
# join
case("ConcatV2", values=[grid(2, 3), grid(2, 2, start=10)], axis=i(-1))
case("Concat", concat_dim=i(0), values=[grid(2, 3), grid(1, 3, start=10)])
case("ConcatOffset", concat_dim=i(1), shape=[i([2, 2, 7]), i([2, 3, 7]), i([2, 5, 7])])
case("Split", {"num_split": 2}, split_dim=i(1), value=grid(2, 4))
case("SplitV", {"num_split": 3}, value=grid(2, 6), size_splits=l([1, -1, 3]), split_dim=i(1))
case("Tile", input=grid(2, 3), multiples=i([2, 2]))
case("Pad", input=grid(2, 2), paddings=i([[1, 0], [0, 2]]))
case("PadV2", input=grid(2, 2), paddings=i([[1, 0], [0, 2]]), constant_values=f(9))
for mode in ("REFLECT", "SYMMETRIC"):
    case("MirrorPad", {"mode": mode}, input=grid(2, 3), paddings=i([[1, 1], [2, 1]]))
    case("MirrorPadGrad", {"mode": mode}, input=grid(4, 6), paddings=i([[1, 1], [2, 1]]))
# slices
case("Slice", input=grid(3, 4), begin=i([1, 1]), size=i([-1, 2]))
M = {"begin_mask": 0, "end_mask": 0, "ellipsis_mask": 0, "new_axis_mask": 0, "shrink_axis_mask": 0}
x = grid(4, 5, 3)
for begin, end, strides, masks in [
    ([1], [3], [1], {}),
    ([3, -1], [0, -4], [-1, -2], {}),
    ([0, 0, 0], [0, 9, 0], [-1, 2, 1], {"begin_mask": 1, "end_mask": 5, "shrink_axis_mask": 4}),
    ([0, 2], [0, 3], [1, 1], {"ellipsis_mask": 1, "shrink_axis_mask": 2}),
    ([0, 0, 0, 1], [0, 0, 0, 2], [1, 1, 1, 1], {"new_axis_mask": 5, "ellipsis_mask": 2}),
    ([-10, 4], [10, 1], [3, 1], {}),
    ([-2, 0], [-1, 0], [1, 1], {"shrink_axis_mask": 1, "new_axis_mask": 2}),
]:
    case("StridedSlice", {**M, **masks}, input=x, begin=i(begin), end=i(end), strides=i(strides))
case("StridedSliceGrad", {**M, "shrink_axis_mask": 2}, shape=i([4, 3]), begin=i([3, 1]), end=i([0, 2]), strides=i([-2, 1]), dy=f([5, 6]))
# index
case("GatherV2", params=grid(3, 4), indices=i([2, 0, 2]), axis=i(0))
case("GatherV2", params=grid(2, 3, 2), indices=i([[2, 0], [1, 1]]), axis=i(1))
case("GatherV2", {"batch_dims": 1}, params=grid(2, 3, 2), indices=i([[2, 0], [1, 1]]), axis=i(1))
case("GatherV2", {"batch_dims": 1}, params=grid(2, 3, 4), indices=i([[3, 0], [1, 1]]), axis=i(2))
case("GatherNd", params=grid(2, 3, 2), indices=i([[1, 2], [0, 0]]))
case("GatherNd", params=grid(2, 3), indices=i([[[1, 2]], [[0, 1]]]))
case("ScatterNd", indices=i([[1], [3], [1]]), updates=grid(3, 2), shape=i([5, 2]))
case("ScatterNd", indices=i([[0, 1], [2, 2]]), updates=f([5, 6]), shape=i([3, 3]))
case("TensorScatterUpdate", tensor=grid(4), indices=i([[1], [3]]), updates=f([-1, -2]))
case("TensorScatterAdd", tensor=grid(4), indices=i([[1], [1]]), updates=f([10, 20]))
case("TensorScatterSub", tensor=grid(4), indices=i([[1], [1]]), updates=f([10, 20]))
case("Select", condition=b([True, False]), t=grid(2, 3), e=grid(2, 3, start=20))
case("Select", condition=b(True), t=grid(2, 3), e=grid(2, 3, start=20))
case("SelectV2", condition=b([[True], [False]]), t=grid(3), e=f(0))
case("Where", input=b([[True, False, True], [False, True, False]]))
case("Unique", x=i([3, 1, 3, 2, 1]))
case("UniqueV2", x=i([[1, 0], [2, 5], [1, 0]]), axis=l([0]))
case("UniqueV2", x=i([[1, 2, 1], [0, 5, 0]]), axis=l([1]))
case("UniqueWithCounts", {"out_idx": "int64"}, x=f([3, 1, 3, 2, 1, 3]))
case("UniqueWithCountsV2", x=i([[1, 0], [2, 5], [1, 0]]), axis=l([0]))
case("ListDiff", x=i([1, 2, 3, 4, 2]), y=i([1, 3]))
case("DynamicPartition", {"num_partitions": 3}, data=grid(4, 2), partitions=i([2, 0, 2, 0]))
case("DynamicPartition", {"num_partitions": 2}, data=grid(2, 2), partitions=i([[1, 0], [1, 1]]))
case("DynamicStitch", indices=[i(4), i([[1, 0], [1, 5]])], data=[f([9, 9]), grid(2, 2, 2)])
for op in ("Sum", "Mean", "Max", "Min", "Prod"):
    case("Segment" + op, data=grid(5, 2), segment_ids=i([0, 0, 2, 2, 3]))
for op in ("Sum", "Max", "Min", "Prod"):
    case("UnsortedSegment" + op, data=grid(4, 2), segment_ids=i([2, 0, -1, 2]), num_segments=i(4))
    case("UnsortedSegment" + op, data=grid(2, 2, 2, dtype="int32"), segment_ids=i([[1, 0], [1, 1]]), num_segments=i(3))
for op in ("Sum", "Mean", "SqrtN"):
    case("SparseSegment" + op, data=grid(4, 2), indices=i([0, 3, 1, 1]), segment_ids=i([0, 0, 2, 2]))
    case("SparseSegment" + op + "WithNumSegments", data=grid(4, 2), indices=i([0, 3, 1, 1]), segment_ids=i([0, 0, 2, 2]), num_segments=i(4))
case("SparseSegmentMeanGrad", grad=grid(3, 2), indices=i([0, 3, 1, 1]), segment_ids=i([0, 0, 2, 2]), output_dim0=i(4))
case("SparseSegmentSqrtNGrad", grad=grid(3, 2), indices=i([0, 3, 1, 1]), segment_ids=i([0, 0, 2, 2]), output_dim0=i(4))
case("SparseSegmentSumGrad", grad=grid(3, 2), indices=i([0, 3, 1, 1]), segment_ids=i([0, 0, 2, 2]), output_dim0=i(4))
case("SparseToDense", sparse_indices=i([[0, 1], [2, 0]]), output_shape=i([3, 2]), sparse_values=f([5, 6]), default_value=f(-1))
case("SparseToDense", sparse_indices=i([1, 3]), output_shape=i([5]), sparse_values=f(2), default_value=f(0))
case("Bincount", arr=i([1, 1, 3, 7]), size=i(4), weights=f([]))
case("Bincount", arr=i([1, 1, 3, 7]), size=i(5), weights=f([0.5, 1.5, 2, 9]))
case("HistogramFixedWidth", values=f([-1.0, 0.0, 1.5, 2.0, 5.0, 15]), value_range=f([0.0, 5.0]), nbins=i(5))
case("LowerBound", sorted_inputs=f([[1, 3, 5, 5], [0, 2, 4, 6]]), values=f([[5, 0], [7, 2]]))
case("UpperBound", sorted_inputs=f([[1, 3, 5, 5], [0, 2, 4, 6]]), values=f([[5, 0], [7, 2]]))
case("Roll", input=grid(3, 4), shift=i([1, -2]), axis=i([0, 1]))
case("Roll", input=grid(5), shift=i(7), axis=i(0))
# space
case("SpaceToDepth", {"block_size": 2}, input=grid(1, 2, 4, 2))
case("DepthToSpace", {"block_size": 2}, input=grid(1, 1, 2, 8))
case("SpaceToBatchND", input=grid(2, 3, 4, 1), block_shape=i([2, 2]), paddings=i([[1, 0], [0, 2]]))
case("BatchToSpaceND", input=grid(8, 2, 3, 1), block_shape=i([2, 2]), crops=i([[1, 0], [0, 2]]))
case("SpaceToBatch", {"block_size": 2}, input=grid(1, 3, 4, 1), paddings=i([[1, 0], [0, 0]]))
case("BatchToSpace", {"block_size": 2}, input=grid(4, 2, 2, 1), crops=i([[1, 0], [0, 1]]))
case("MatrixDiag", diagonal=grid(2, 3))
case("MatrixDiagPart", input=grid(2, 2, 3))
case("MatrixSetDiag", input=grid(2, 2, 3), diagonal=f([[-1, -2], [-3, -4]]))
for lo, hi in ((1, 0), (-1, 1), (0, -1), (0, 0)):
    case("MatrixBandPart", input=grid(3, 4), num_lower=l(lo), num_upper=l(hi))
case("Diag", diagonal=grid(2, 2))
case("DiagPart", input=grid(2, 2, 2, 2))
for k, align in (([-1, 1], "RIGHT_LEFT"), ([-1, 1], "LEFT_RIGHT"), ([0, 2], "LEFT_LEFT"), ([-2, 0], "RIGHT_RIGHT"), (1, "RIGHT_LEFT")):
    case("MatrixDiagPartV3", {"align": align}, input=grid(2, 3, 4), k=i(k), padding_value=f(-1))
case("MatrixDiagV3", {"align": "RIGHT_LEFT"}, diagonal=grid(2, 3), k=i(1), num_rows=i(-1), num_cols=i(-1), padding_value=f(0))
case("MatrixDiagV3", {"align": "RIGHT_LEFT"}, diagonal=grid(3, 3), k=i([-1, 1]), num_rows=i(3), num_cols=i(4), padding_value=f(-7))
case("MatrixDiagV3", {"align": "LEFT_RIGHT"}, diagonal=grid(2, 3), k=i([0, 1]), num_rows=i(-1), num_cols=i(-1), padding_value=f(0))
case("MatrixSetDiagV3", {"align": "RIGHT_LEFT"}, input=grid(3, 4), diagonal=f([[-1, -2, -3], [-4, -5, -6], [-7, -8, -9]]), k=i([-1, 1]))
case("MatrixSetDiagV3", {"align": "RIGHT_LEFT"}, input=grid(3, 4), diagonal=f([-1, -2, -3]), k=i(1))
# compare
case("Equal", x=f([[1, nan, 3]]), y=f([[1], [nan]]))
case("NotEqual", x=f([[1, nan, 3]]), y=f([[1], [nan]]))
for op in ("Less", "LessEqual", "Greater", "GreaterEqual"):
    case(op, x=i([[1, 2, 3]]), y=i([[2], [3]]))
case("ApproximateEqual", x=f([1, 2, 3]), y=f([1.000001, 2.1, 3]))

print(json.dumps(cases, separators=(",", ":")).replace('},{"op"', '},\n{"op"'))

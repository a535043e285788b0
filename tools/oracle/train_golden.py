"""Records TensorFlow's optimizers, decays, averages, losses and clipping for the tests of packages/core/src/{train,losses,clip}.

Run with a Python that has TensorFlow:
    python tools/oracle/train_golden.py > packages/core/src/train/generated/trainGolden.json
The optimizers train one dense and one gathered variable (with a repeated row) for some steps; values are recorded after
each, with the names and types of all nodes that the optimizer made.
"""
import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
v1.disable_eager_execution()
v1.disable_resource_variables()

DENSE = [[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]]
ROWS = [[1.0, -2.0], [0.5, 0.25], [-1.5, 3.0], [0.1, -0.2]]
STEPS = 4


def lists(x):
    return np.asarray(x).tolist()


def model():
    w = v1.Variable(v1.constant(DENSE), name="W")
    e = v1.Variable(v1.constant(ROWS), name="layer/E")
    rows = v1.gather(e, v1.constant([1, 3, 1]), name="rows")
    scale = v1.constant([[1.0, 2.0], [-0.5, 1.0], [0.75, -1.0]])
    loss = v1.add(v1.reduce_sum(v1.square(w) * 0.5), v1.reduce_sum(v1.square(rows + 1.0) * scale), name="loss")
    return w, e, loss


OPTIMIZERS = {
    "GradientDescent": (lambda: v1.train.GradientDescentOptimizer(0.1)),
    "Momentum": (lambda: v1.train.MomentumOptimizer(0.1, 0.9)),
    "Nesterov": (lambda: v1.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True)),
    "Adagrad": (lambda: v1.train.AdagradOptimizer(0.1)),
    "Adadelta": (lambda: v1.train.AdadeltaOptimizer(0.5)),
    "Adam": (lambda: v1.train.AdamOptimizer(0.05)),
    "RMSProp": (lambda: v1.train.RMSPropOptimizer(0.05, momentum=0.5)),
    "CenteredRMSProp": (lambda: v1.train.RMSPropOptimizer(0.05, momentum=0.5, centered=True)),
    "Ftrl": (lambda: v1.train.FtrlOptimizer(0.1)),
    "FtrlL1L2": (lambda: v1.train.FtrlOptimizer(0.3, l1_regularization_strength=0.4, l2_regularization_strength=0.2)),
    "FtrlShrinkage": (lambda: v1.train.FtrlOptimizer(0.1, l2_regularization_strength=0.1, l2_shrinkage_regularization_strength=0.3)),
}


def optimizer_case(make):
    with v1.Graph().as_default() as graph, v1.Session() as sess:
        w, e, loss = model()
        step = v1.train.get_or_create_global_step()
        optimizer = make()
        train = optimizer.minimize(loss, global_step=step)
        sess.run(v1.global_variables_initializer())
        slots = [(v, name, optimizer.get_slot(v, name)) for v in (w, e) for name in optimizer.get_slot_names()]
        values = []
        for _ in range(STEPS):
            sess.run(train)
            values.append({v.name: lists(x) for v, x in zip([w, e] + [s[2] for s in slots], sess.run([w, e] + [s[2] for s in slots]))})
        nodes = [[n.name, n.op] for n in graph.as_graph_def().node if not n.name.startswith(("gradients/", "init"))]
        return {
            "train": train.name,
            "values": values,
            "slots": [[v.name, name, slot.name] for v, name, slot in slots],
            "globals": [v.name for v in v1.global_variables()],
            "nodes": nodes,
        }


def decays():
    t = v1.train
    made = {
        "exponentialDecay": lambda s: t.exponential_decay(0.1, s, 10, 0.5),
        "exponentialDecayStaircase": lambda s: t.exponential_decay(0.1, s, 10, 0.5, staircase=True),
        "naturalExpDecay": lambda s: t.natural_exp_decay(0.1, s, 10, 0.5),
        "naturalExpDecayStaircase": lambda s: t.natural_exp_decay(0.1, s, 10, 0.5, staircase=True),
        "inverseTimeDecay": lambda s: t.inverse_time_decay(0.1, s, 10, 0.5),
        "inverseTimeDecayStaircase": lambda s: t.inverse_time_decay(0.1, s, 10, 0.5, staircase=True),
        "polynomialDecay": lambda s: t.polynomial_decay(0.1, s, 10, 0.01, power=2.0),
        "polynomialDecayCycle": lambda s: t.polynomial_decay(0.1, s, 10, 0.01, power=0.5, cycle=True),
        "piecewiseConstant": lambda s: t.piecewise_constant(s, [5, 12, 20], [1.0, 0.5, 0.25, 0.125]),
        "cosineDecay": lambda s: t.cosine_decay(0.1, s, 20, alpha=0.1),
        "cosineDecayRestarts": lambda s: t.cosine_decay_restarts(0.1, s, 5, t_mul=2.0, m_mul=0.5, alpha=0.1),
        "cosineDecayRestartsEqual": lambda s: t.cosine_decay_restarts(0.1, s, 7, t_mul=1.0, m_mul=0.9),
        "linearCosineDecay": lambda s: t.linear_cosine_decay(0.1, s, 20),
        "noisyLinearCosineDecay": lambda s: t.noisy_linear_cosine_decay(0.1, s, 20, initial_variance=1e-30),
    }
    steps = [0, 1, 4, 5, 6, 9, 10, 12, 13, 15, 19, 20, 21, 33]
    with v1.Graph().as_default(), v1.Session() as sess:
        step = v1.placeholder(tf.int64, [], name="step")
        tensors = {name: make(step) for name, make in made.items()}
        rows = [sess.run(tensors, {step: s}) for s in steps]
    return {"steps": steps, "values": {name: [float(r[name]) for r in rows] for name in made}}


def averages():
    cases = []
    for options in ({}, {"num_updates": 3}, {"zero_debias": True}):
        with v1.Graph().as_default() as graph, v1.Session() as sess:
            w = v1.Variable(v1.constant([1.0, -2.0]), name="W")
            x = v1.multiply(w, 2.0, name="twice")
            ema = v1.train.ExponentialMovingAverage(0.8, **options)
            move = v1.assign_add(w, [1.0, 0.5], name="move")
            update = ema.apply([w, x])
            sess.run(w.initializer)
            sess.run(v1.global_variables_initializer())
            values = []
            for _ in range(4):
                sess.run(move)
                sess.run(update)
                values.append([lists(sess.run(ema.average(v))) for v in (w, x)])
            cases.append({
                "options": options,
                "values": values,
                "names": [ema.average(w).name, ema.average(x).name, ema.average_name(w), ema.average_name(x)],
                "restore": sorted((k, v.name) for k, v in ema.variables_to_restore().items()),
                "globals": [v.name for v in v1.global_variables()],
                "update": update.name,
                "nodes": [[n.name, n.op] for n in graph.as_graph_def().node],
            })
    return cases


LABELS = [[1.0, 0.0, 0.5], [0.0, 1.0, 1.0]]
PREDICTIONS = [[0.9, 0.2, -0.5], [3.0, 0.4, 0.7]]
POSITIVE = [[0.9, 0.2, 0.5], [0.3, 0.4, 0.7]]
WEIGHTS = {"one": 1.0, "scalar": 0.5, "rows": [[2.0], [0.0]], "full": [[1.0, 0.0, 2.0], [0.5, 0.0, 3.0]]}


def losses():
    l = v1.losses
    made = {
        "absoluteDifference": lambda **k: l.absolute_difference(LABELS, PREDICTIONS, **k),
        "meanSquaredError": lambda **k: l.mean_squared_error(LABELS, PREDICTIONS, **k),
        "huberLoss": lambda **k: l.huber_loss(LABELS, PREDICTIONS, delta=0.8, **k),
        "hingeLoss": lambda **k: l.hinge_loss(LABELS, PREDICTIONS, **k),
        "logLoss": lambda **k: l.log_loss(LABELS, POSITIVE, **k),
        "sigmoidCrossEntropy": lambda **k: l.sigmoid_cross_entropy(LABELS, PREDICTIONS, **k),
        "sigmoidCrossEntropySmooth": lambda **k: l.sigmoid_cross_entropy(LABELS, PREDICTIONS, label_smoothing=0.2, **k),
    }
    cases = []
    with v1.Graph().as_default(), v1.Session() as sess:
        def add(name, weights, reduction, tensor):
            cases.append({"loss": name, "weights": weights, "reduction": reduction, "value": lists(sess.run(tensor)), "name": tensor.name})
        for name, make in made.items():
            for weights in WEIGHTS.values():
                for reduction in l.Reduction.all():
                    add(name, weights, reduction, make(weights=weights, reduction=reduction))
        rows = {"one": 1.0, "rows": [[2.0], [0.0]]}
        for weights in rows.values():
            add("cosineDistance", weights, "weighted_sum_by_nonzero_weights", l.cosine_distance(LABELS, PREDICTIONS, axis=1, weights=weights))
        for weights in (1.0, 0.5, [[2.0], [0.0]], [[2.0], [1.0]]):
            add("meanPairwiseSquaredError", weights, None, l.mean_pairwise_squared_error(LABELS, PREDICTIONS, weights=weights))
        for weights in (1.0, [2.0, 0.5]):
            onehot = [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
            for reduction in l.Reduction.all():
                add("softmaxCrossEntropy", weights, reduction, l.softmax_cross_entropy(onehot, PREDICTIONS, weights=weights, reduction=reduction))
                add("softmaxCrossEntropySmooth", weights, reduction, l.softmax_cross_entropy(onehot, PREDICTIONS, weights=weights, label_smoothing=0.1, reduction=reduction))
                add("sparseSoftmaxCrossEntropy", weights, reduction, l.sparse_softmax_cross_entropy([0, 2], PREDICTIONS, weights=weights, reduction=reduction))
    return cases


def clipping():
    with v1.Graph().as_default(), v1.Session() as sess:
        x = v1.constant([[3.0, -4.0], [0.5, 12.0]])
        y = v1.constant([1.0, 2.0])
        s = v1.IndexedSlices(v1.constant([[1.0, 2.0], [3.0, 4.0], [1.0, 1.0]]), v1.constant([0, 2, 0]), v1.constant([3, 2]))
        (cx, cs, cy), norm = v1.clip_by_global_norm([x, s, y], 2.0)
        (ux, us, uy), used = v1.clip_by_global_norm([x, s, y], 2.0, use_norm=v1.constant(4.0))
        out = {
            "value": v1.clip_by_value(x, -1.0, 5.0),
            "norm": v1.clip_by_norm(x, 5.0),
            "normRows": v1.clip_by_norm(x, 5.0, axes=[1]),
            "normUnchanged": v1.clip_by_norm(y, 5.0),
            "normSlices": v1.clip_by_norm(s, 2.0).values,
            "averageNorm": v1.clip_by_average_norm(x, 0.5),
            "globalNorm": v1.global_norm([x, s, None, y]),
            "global": [cx, cs.values, cy, norm],
            "globalUsed": [ux, us.values, uy, used],
            "globalSmall": v1.clip_by_global_norm([y], 100.0)[0][0],
            "gradient": v1.gradients(v1.clip_by_value(x, -1.0, 5.0) * x, x)[0],
        }
        return {k: [lists(v) for v in r] if isinstance(r, list) else lists(r) for k, r in sess.run(out).items()}


print(json.dumps({
    "optimizers": {name: optimizer_case(make) for name, make in OPTIMIZERS.items()},
    "decays": decays(),
    "averages": averages(),
    "losses": losses(),
    "clipping": clipping(),
}))

"""Reads an event file or log directory with real TensorFlow and prints what it found, one JSON line per value.

Usage: python read_events.py LOGDIR_OR_FILE [--tensorboard]

With --tensorboard the directory is also loaded as TensorBoard itself loads it (EventAccumulator), which checks that
tags, metadata and graphs come out the way the dashboards need them.
"""
import argparse
import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import tensorflow as tf  # noqa: E402


def describe(value):
    """The facts of one Summary.Value that a person would compare."""
    kind = value.WhichOneof("value")
    facts = {"tag": value.tag, "kind": kind, "plugin": value.metadata.plugin_data.plugin_name}
    if kind == "simple_value":
        facts["value"] = value.simple_value
    elif kind == "histo":
        facts["value"] = {"min": value.histo.min, "max": value.histo.max, "num": value.histo.num,
                          "sum": value.histo.sum, "buckets": len(value.histo.bucket)}
    elif kind == "image":
        pixels = tf.io.decode_image(value.image.encoded_image_string).shape
        facts["value"] = {"declared": [value.image.height, value.image.width, value.image.colorspace],
                          "decoded": list(pixels)}
    elif kind == "audio":
        samples, rate = tf.audio.decode_wav(value.audio.encoded_audio_string)
        facts["value"] = {"declared": [value.audio.sample_rate, value.audio.length_frames, value.audio.num_channels],
                          "decoded": [float(rate)] + list(samples.shape)}
    elif kind == "tensor":
        tensor = tf.make_ndarray(value.tensor)
        facts["value"] = {"dtype": str(tensor.dtype), "shape": list(tensor.shape)}
    return facts


def read_file(path):
    for event in tf.compat.v1.train.summary_iterator(path):
        what = event.WhichOneof("what")
        line = {"step": event.step, "what": what}
        if what == "file_version":
            line["version"] = event.file_version
        elif what == "graph_def":
            graph = tf.compat.v1.GraphDef.FromString(event.graph_def)
            line["nodes"] = len(graph.node)
            with tf.Graph().as_default():
                tf.import_graph_def(graph, name="")
            line["imports"] = True
        elif what == "meta_graph_def":
            line["nodes"] = len(tf.compat.v1.MetaGraphDef.FromString(event.meta_graph_def).graph_def.node)
        elif what == "summary":
            line["values"] = [describe(value) for value in event.summary.value]
        print(json.dumps(line))


def load_as_tensorboard(directory):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(directory, size_guidance={"scalars": 0, "images": 0, "histograms": 0, "tensors": 0})
    accumulator.Reload()
    tags = accumulator.Tags()
    print(json.dumps({"tensorboard": {key: value for key, value in tags.items() if value}}, default=str))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path")
    parser.add_argument("--tensorboard", action="store_true")
    options = parser.parse_args()
    if os.path.isdir(options.path):
        for name in sorted(os.listdir(options.path)):
            if "tfevents" in name:
                read_file(os.path.join(options.path, name))
        if options.tensorboard:
            load_as_tensorboard(options.path)
    else:
        read_file(options.path)


if __name__ == "__main__":
    main()

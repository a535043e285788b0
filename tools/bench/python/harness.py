"""The frame of the Python peers: python3 PROGRAM PEER CASE-AS-JSON, THREADS in the environment.

A program hands `main` a table from a case's kind to a function that returns the call to time. Rules of timing: warm-up
calls, then runs until a second has passed, at least 10 when a run takes under 1 s, 3 when under 8 s, else 1; at most 200.
"""
import json
import os
import sys
import time

THREADS = int(os.environ.get("THREADS", "1"))
PEER = sys.argv[1]
CASE = json.loads(sys.argv[2])
SPEC = CASE["spec"]


def significant(x):
    return float("%.4g" % x)


def time_calls(call, inner, warm):
    """Seconds per call of each run."""
    clock = time.perf_counter
    begin = clock()
    call()
    first = clock() - begin
    if first < 5:
        for _ in range(warm - 1):
            call()
    times, start = [], clock()
    while True:
        begin = clock()
        for _ in range(inner):
            call()
        times.append((clock() - begin) / inner)
        run = times[0] * inner
        needed = 10 if run < 1 else 3 if run < 8 else 1
        if len(times) >= needed and (clock() - start > 1 or len(times) >= 200):
            return times


def say(**line):
    print(json.dumps(dict(case=CASE["name"], peer=PEER, threads=THREADS, **line)), flush=True)


def main(programs):
    try:
        prepare = programs.get(SPEC["kind"])
        if prepare is None:
            raise NotImplementedError("no program for this case")
        times = sorted(time_calls(prepare(SPEC), CASE["inner"], CASE["warm"]))
    except Exception as error:
        reason = (str(error).strip().splitlines() or ["no reason given"])[0]
        return say(cannot=f"{type(error).__name__}: {reason}"[:200])
    unit = {"s": 1, "ms": 1e3, "us": 1e6}[CASE["unit"]]
    low, median, high = (significant(unit * t) for t in (times[0], times[len(times) // 2], times[-1]))
    say(metric="time", value=median, unit=CASE["unit"], runs=len(times), min=low, median=median, max=high,
        rate=significant(CASE["work"] / times[0] / 1e9), rate_unit=CASE["rateUnit"], work=CASE["work"])

"""Ray's side of `npm run bench -- seats`: does what a line of JSON asks, answers with a line of JSON. Times in microseconds."""

import json
import os
import sys
import time

os.environ.setdefault("RAY_DEDUP_LOGS", "0")
os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"

import ray  # noqa: E402
from ray.dag import InputNode  # noqa: E402


@ray.remote(num_cpus=0)
class Worker:
    def nothing(self, value):
        return value

    def make(self, size):
        self.held = bytes(size)
        return len(self.held)

    def give(self, _):
        return self.held

    def take(self, data):
        return len(data)


def timed(call):
    began = time.perf_counter_ns()
    call()
    return (time.perf_counter_ns() - began) / 1e3


def pipelined(start, finish, count, depth):
    flying = []
    began = time.perf_counter_ns()
    for _ in range(count):
        flying.append(start())
        if len(flying) >= depth:
            finish(flying.pop(0))
    for one in flying:
        finish(one)
    return (time.perf_counter_ns() - began) / 1e3 / count


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    left, right = Worker.remote(), Worker.remote()
    ray.get([left.nothing.remote(1), right.nothing.remote(1)])
    # Actors of a compiled graph take no other calls.
    graph_left, graph_right = Worker.remote(), Worker.remote()
    depth = 8
    with InputNode() as given:
        single = graph_left.nothing.bind(given)
    graph = single.experimental_compile(_max_inflight_executions=depth + 1)
    mover = None

    def asked(order):
        nonlocal graph, mover
        kind, count = order["kind"], order.get("count", 1)
        if kind == "actor":
            return [timed(lambda: ray.get(left.nothing.remote(1))) for _ in range(count)]
        if kind == "actor-pipelined":
            return pipelined(lambda: left.nothing.remote(1), ray.get, count, 64)
        if kind == "graph":
            return [timed(lambda: ray.get(graph.execute(1))) for _ in range(count)]
        if kind == "graph-pipelined":
            return pipelined(lambda: graph.execute(1), ray.get, count, depth)
        if kind == "move":
            ray.get(left.make.remote(order["bytes"]))
            return [timed(lambda: ray.get(right.take.remote(left.give.remote(0)))) for _ in range(count)]
        if kind == "graph-move":
            if graph is not None:
                graph.teardown()
                graph = None
            if mover is not None:
                mover.teardown()
            sender, receiver = Worker.remote(), Worker.remote()
            ray.get(sender.make.remote(order["bytes"]))
            with InputNode() as given:
                taken = receiver.take.bind(sender.give.bind(given))
            mover = taken.experimental_compile(_buffer_size_bytes=order["bytes"] + 100_000)
            for _ in range(3):
                ray.get(mover.execute(0))
            return [timed(lambda: ray.get(mover.execute(0))) for _ in range(count)]
        raise ValueError(kind)

    print(json.dumps({"ready": ray.__version__}), file=answers, flush=True)
    for line in sys.stdin:
        try:
            answer = {"value": asked(json.loads(line))}
        except Exception as error:  # noqa: BLE001
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


main()

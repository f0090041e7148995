"""Runs Vidur's simulator on a trace of requests, with iterations priced by one affine formula in place of its trained predictor.

The wheel on PyPI has no profiles and fetches them from the network, so the predictor is replaced; scheduler, blocks and event loop are Vidur's own.
Prints one line of JSON: CPU seconds of the run, requests that ended, a remark.
"""

import csv
import json
import logging
import sys
import time

from vidur._native.entities import ExecutionTime
from vidur.config import (
    CacheConfig,
    ClusterConfig,
    MetricsConfig,
    SarathiSchedulerConfig,
    SimulationConfig,
)
from vidur.entities import Request
from vidur.execution_time_predictor import ExecutionTimePredictorRegistry
from vidur.request_generator import RequestGeneratorRegistry
from vidur.simulator import Simulator

logging.disable(logging.CRITICAL)


class AffinePredictor:
    """One layer's worth of milliseconds: constant, per token and per cached token."""

    def __init__(self, **_):
        pass

    def get_execution_time(self, batch, pipeline_stage):
        parts = batch.batch_mapping.values() if hasattr(batch, "batch_mapping") else [batch]
        tokens = sum(sum(part.num_q_tokens) for part in parts)
        cached = sum(sum(part.num_kv_tokens) for part in parts)
        return ExecutionTime(32, *([0.0] * 4), 0.3 + 0.0019 * tokens + 2e-6 * cached, *([0.0] * 9))


class TraceGenerator:
    def __init__(self, rows):
        self.rows = rows

    def generate(self):
        return [Request(*row) for row in self.rows]

    generate_requests = generate


def main():
    with open(sys.argv[1]) as file:
        rows = [(float(r["arrived_at"]), int(r["num_prefill_tokens"]), int(r["num_decode_tokens"])) for r in csv.DictReader(file)]
    ExecutionTimePredictorRegistry.get = classmethod(lambda cls, key, **kwargs: AffinePredictor(**kwargs))
    RequestGeneratorRegistry.get = classmethod(lambda cls, key, *args: TraceGenerator(rows))
    config = SimulationConfig(
        cluster_config=ClusterConfig(
            num_replicas=8,
            cache_config=CacheConfig(block_size=16, num_blocks=30000),
            replica_scheduler_config=SarathiSchedulerConfig(batch_size_cap=256, chunk_size=8192),
        ),
        metrics_config=MetricsConfig(write_metrics=False),
    )
    simulator = Simulator(config)
    start = time.process_time()
    simulator.run()
    seconds = time.process_time() - start
    print(json.dumps({"seconds": seconds, "requests": len(rows), "text": f"{len(rows)} requests of the trace on 8 replicas"}))


main()

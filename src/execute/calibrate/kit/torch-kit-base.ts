/** Python: what the kit's measurements share: arguments, the device, timing, rows. */
export const TORCH_KIT_BASE = String.raw`
import argparse
import datetime
import json
import os
import socket
import statistics
import sys
import time

import torch
import torch.nn.functional as F

FORM = "heddle-torch-kit"
VERSION = 1
TORCH_TYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
ELEMENT = {"f32": 4, "f16": 2, "bf16": 2, "f8e4m3": 1, "i8": 1}
# Operands are rotated over this many bytes, so that a cache does not serve what an engine would read from memory.
ROTATE_BYTES = 256 * 1024 * 1024


def arguments():
    parser = argparse.ArgumentParser(description="Measures operators of this machine for heddle; needs PyTorch 2.1 or later and nothing else.")
    parser.add_argument("--out", default="heddle-calibration.json", help="file to write")
    parser.add_argument("--device", default="auto", choices=["auto", "cuda", "xpu", "cpu"], help="cuda is also what ROCm is called")
    parser.add_argument("--name", default="", help="heddle's catalogue id of the device, such as h100-sxm, if it is known")
    parser.add_argument("--quick", action="store_true", help="fewer sizes: about a minute on a GPU")
    parser.add_argument("--types", default="", help="comma-separated subset of f32,f16,bf16,f8e4m3,i8")
    parser.add_argument("--threads", type=int, default=0, help="threads of PyTorch on a CPU; 0: its default")
    parser.add_argument("--ranks", type=int, default=0, help="devices (on a CPU: processes) for collectives; 0: all devices there are")
    parser.add_argument("--budget", type=float, default=0, help="seconds after which no further operator is begun; 0: none")
    parser.add_argument("--memory", type=float, default=0, help="bytes that one operator may use; 0: a third of what is free, on a CPU 2e9")
    return parser.parse_args()


class Device:
    def __init__(self, wanted):
        has_xpu = hasattr(torch, "xpu") and torch.xpu.is_available()
        kind = wanted
        if kind == "auto":
            kind = "cuda" if torch.cuda.is_available() else "xpu" if has_xpu else "cpu"
        if kind == "cuda" and not torch.cuda.is_available():
            sys.exit("no CUDA or ROCm device is available")
        if kind == "xpu" and not has_xpu:
            sys.exit("no XPU device is available")
        self.kind = kind
        self.module = getattr(torch, kind) if kind != "cpu" else None
        self.count = self.module.device_count() if self.module else 1
        self.backend = "rocm" if kind == "cuda" and torch.version.hip else kind

    def sync(self):
        if self.module:
            self.module.synchronize()

    def free_bytes(self):
        if self.kind == "cuda":
            return torch.cuda.mem_get_info()[0]
        if self.module:
            return self.module.get_device_properties(0).total_memory
        return 6e9

    def describe(self):
        if self.module:
            properties = self.module.get_device_properties(0)
            name, memory = properties.name, properties.total_memory
        else:
            name, memory = cpu_name(), os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        runtime = torch.version.hip or torch.version.cuda or ""
        return {"name": name, "backend": self.backend, "count": self.count, "memoryBytes": memory, "torch": torch.__version__,
                "runtime": str(runtime), "threads": torch.get_num_threads() if self.kind == "cpu" else 0}


def cpu_name():
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    import platform
    return platform.processor() or platform.machine()


class Kit:
    def __init__(self, options):
        self.options = options
        if options.threads > 0:
            torch.set_num_threads(options.threads)
        self.device = Device(options.device)
        self.started = time.perf_counter()
        self.rows, self.transfers, self.skipped = [], [], {}
        default = 2e9 if self.device.kind == "cpu" else self.device.free_bytes() / 3
        self.memory = options.memory or default

    def types(self, possible):
        wanted = [one for one in self.options.types.split(",") if one]
        return [one for one in possible if not wanted or one in wanted]

    def skip(self, why):
        self.skipped[why] = self.skipped.get(why, 0) + 1

    def over_budget(self):
        return self.options.budget > 0 and time.perf_counter() - self.started > self.options.budget

    def add(self, query, work, need_bytes):
        """Measures one operator; a failure is counted with its reason, never passed over in silence."""
        if self.over_budget():
            return self.skip("budget of seconds used up")
        if need_bytes > self.memory:
            return self.skip("needs more memory than one operator may use")
        try:
            times = self.measure(work)
        except Exception as problem:
            return self.skip(query["op"] + ": " + type(problem).__name__ + ": " + str(problem).split("\n")[0][:120])
        self.rows.append({"query": query, **times})

    def measure(self, work):
        """Median and spread of runs that each take long enough for the clock; on CUDA the launches are captured, as engines do."""
        for index in range(3):
            work(index)
        self.device.sync()
        begin = time.perf_counter()
        work(0)
        self.device.sync()
        once = max(time.perf_counter() - begin, 1e-7)
        batch = max(1, min(100, int(0.002 / once)))
        run = self.captured(work, batch) or (lambda: [work(index) for index in range(batch)])
        runs = 5 if once > 0.3 else 11
        times = []
        for _ in range(runs):
            self.device.sync()
            begin = time.perf_counter()
            run()
            self.device.sync()
            times.append((time.perf_counter() - begin) / batch * 1e9)
            if sum(times) * batch > 4e9:
                break
        times.sort()
        middle = statistics.median(times)
        return {"ns": middle, "spread": (times[-1] - times[0]) / middle / 2, "runs": len(times)}

    def captured(self, work, batch):
        if self.device.kind != "cuda" or batch == 1:
            return None
        try:
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                for index in range(batch):
                    work(index)
            return graph.replay
        except Exception:
            torch.cuda.synchronize()
            return None

    def tensor(self, *shape, type="f32"):
        if type in TORCH_TYPES:
            return torch.randn(*shape, device=self.device.kind, dtype=torch.float32).mul_(0.1).to(TORCH_TYPES[type])
        if type == "i8":
            return torch.randint(-64, 64, shape, device=self.device.kind, dtype=torch.int8)
        return torch.randn(*shape, device=self.device.kind).to(torch.float8_e4m3fn)

    def copies(self, bytes_each):
        return max(1, min(16, int(min(ROTATE_BYTES, self.memory / 2) // max(bytes_each, 1))))
`.trimStart();

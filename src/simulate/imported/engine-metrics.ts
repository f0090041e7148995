import { HeddleError } from "../../base/heddle-error.ts";
import type { EngineSettings } from "../../plan/deployment/deployment.ts";
import type { PeakType } from "../../rack/peak-type.ts";
import type { MetricSample } from "./prometheus-text.ts";

/** What a scrape of an engine says of its settings and of what it has served. */
export interface EngineMetrics {
  readonly settings: Partial<Pick<EngineSettings, "blockTokens" | "kvBlocks" | "memoryFraction" | "prefixCaching">>;
  /** Type of KV, where the engine was told one. */
  readonly kvType?: PeakType;
  /** Settings whose value is not known here, as `name=value`: nothing is taken of them. */
  readonly unknown: readonly string[];
  /** Names under which the engine serves. */
  readonly models: readonly string[];
  /** Quantiles of latencies, from the bounds of histogram buckets, so only as fine as those. Units: ns. */
  readonly latencies: readonly MetricLatency[];
  readonly preemptions?: number;
}

export interface MetricLatency {
  readonly name: string;
  readonly count: number;
  readonly meanNs: number;
  /** Bounds of the bucket that the quantile lies in. */
  readonly p50Ns: readonly [number, number];
  readonly p99Ns: readonly [number, number];
}

/**
 * Names of vLLM's metrics, and what they are here.
 *
 * Source: vllm-project/vllm, vllm/v1/metrics/loggers.py; SGLang exports the first two under `sglang:`.
 */
const LATENCIES: readonly (readonly [string, string])[] = [
  ["time_to_first_token_seconds", "TTFT"],
  ["e2e_request_latency_seconds", "end to end"],
  ["request_queue_time_seconds", "waiting"],
];
const SPACES = ["vllm:", "sglang:"];

/** Types of KV as vLLM is told them; `auto` is the weights' and says none. Source: vllm-project/vllm, vllm/config/cache.py, `CacheDType`. */
const KV_TYPES: Readonly<Record<string, PeakType | undefined>> = {
  auto: undefined,
  bfloat16: "bf16",
  float16: "f16",
  fp8: "f8e4m3",
  fp8_e4m3: "f8e4m3",
  fp8_e5m2: "f8e5m2",
};

/**
 * Of several engines (data-parallel ranks, replicas of one pool) the least KV blocks count, as the fullest decides.
 *
 * Errors: `workload-invalid` where a scrape says none of it, as one that is empty or of something else does, or where its engines are set otherwise.
 */
export function engineMetrics(samples: readonly MetricSample[]): EngineMetrics {
  const metrics = readMetrics(samples);
  const { settings, kvType, latencies, preemptions } = metrics;
  if (kvType !== undefined || Object.keys(settings).length > 0 || latencies.length > 0 || preemptions !== undefined) return metrics;
  const ours = samples.filter(({ name }) => SPACES.some((space) => name.startsWith(space))).length;
  const found =
    samples.length === 0 ? "no sample at all" : `${samples.length} sample${samples.length === 1 ? "" : "s"} (of vLLM or SGLang: ${ours})`;
  throw new HeddleError("workload-invalid", {
    where: "the metrics",
    detail: `${found}, and none that says a setting, a latency of requests served or preemptions; take the scrape from the engine's own /metrics, after it has served`,
  });
}

function readMetrics(samples: readonly MetricSample[]): EngineMetrics {
  const engines = samples.filter(({ name }) => name === "vllm:cache_config_info").map(({ labels }) => labels);
  const info = engines[0] ?? {};
  for (const label of ["block_size", "gpu_memory_utilization", "enable_prefix_caching", "cache_dtype"]) {
    const other = engines.find((labels) => labels[label] !== info[label]);
    if (other !== undefined) {
      throw new HeddleError("workload-invalid", {
        where: "the metrics",
        detail: `are of engines with ${label} ${info[label] ?? "absent"} and ${other[label] ?? "absent"}; give the scrape of one pool's`,
      });
    }
  }
  const blocks = engines.flatMap(({ num_gpu_blocks: count = "" }) => (/^[1-9]\d{0,11}$/.test(count) ? [Number(count)] : []));
  const kvBlocks = blocks.length === 0 ? undefined : Math.min(...blocks);
  const size = info["block_size"] ?? "";
  const blockTokens = /^[1-9]\d{0,11}$/.test(size) ? Number(size) : undefined;
  const fraction = Number(info["gpu_memory_utilization"]);
  const caching = info["enable_prefix_caching"];
  const cacheType = info["cache_dtype"];
  const kvType = cacheType === undefined ? undefined : KV_TYPES[cacheType];
  const preemptions = samples.filter(({ name }) => /^vllm:num_preemptions(_total)?$/.test(name));
  return {
    settings: {
      ...(blockTokens === undefined ? {} : { blockTokens }),
      ...(kvBlocks === undefined ? {} : { kvBlocks }),
      ...(fraction > 0 && fraction <= 1 ? { memoryFraction: fraction } : {}),
      ...(caching === "True" || caching === "False" ? { prefixCaching: caching === "True" } : {}),
    },
    ...(kvType === undefined ? {} : { kvType }),
    unknown: cacheType === undefined || Object.hasOwn(KV_TYPES, cacheType) ? [] : [`cache_dtype=${cacheType}`],
    models: [...new Set(samples.flatMap(({ labels }) => labels["model_name"] ?? []))],
    latencies: LATENCIES.flatMap(([metric, name]) =>
      SPACES.flatMap((space) => {
        const latency = latencyOf(samples, `${space}${metric}`, name);
        return latency === undefined ? [] : [latency];
      }),
    ),
    ...(preemptions.length === 0 ? {} : { preemptions: preemptions.reduce((sum, { value }) => sum + value, 0) }),
  };
}

/** A histogram of seconds, added up over its labels (one engine each). */
function latencyOf(samples: readonly MetricSample[], metric: string, name: string): MetricLatency | undefined {
  const counts = new Map<number, number>();
  let sum = 0;
  let count = 0;
  for (const sample of samples) {
    if (sample.name === `${metric}_sum`) sum += sample.value;
    else if (sample.name === `${metric}_count`) count += sample.value;
    else if (sample.name === `${metric}_bucket`) {
      const bound = sample.labels["le"] === "+Inf" ? Infinity : Number(sample.labels["le"]);
      counts.set(bound, (counts.get(bound) ?? 0) + sample.value);
    }
  }
  if (!(count > 0) || counts.size === 0) return undefined;
  const bounds = [...counts].sort(([a], [b]) => a - b);
  const quantile = (share: number): readonly [number, number] => {
    const at = bounds.findIndex(([, below]) => below >= share * count);
    const high = bounds[at === -1 ? bounds.length - 1 : at]![0];
    return [(at <= 0 ? 0 : bounds[at - 1]![0]) * 1e9, high * 1e9];
  };
  return { name, count, meanNs: (sum / count) * 1e9, p50Ns: quantile(0.5), p99Ns: quantile(0.99) };
}

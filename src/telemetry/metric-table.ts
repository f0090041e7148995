/** One metric of `/metrics`. */
export interface MetricRow {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly labels: readonly string[];
  readonly help: string;
}

/** Every metric has the label `model_name` besides those listed, except where the help says otherwise. */
const MODEL = "model_name";

/**
 * All metrics. Names beginning with `vllm:` mean what they mean in vLLM; the others are heddle's own.
 *
 * Source: vLLM's metric names as of its v1 engine.
 */
export const METRICS = {
  running: { name: "vllm:num_requests_running", type: "gauge", labels: [MODEL], help: "Requests in the batches of the replicas" },
  waiting: { name: "vllm:num_requests_waiting", type: "gauge", labels: [MODEL], help: "Requests that wait to be processed" },
  kvUsage: { name: "vllm:kv_cache_usage_perc", type: "gauge", labels: [MODEL], help: "Share of the working KV pages in use, 0 to 1" },
  cacheConfig: {
    name: "vllm:cache_config_info",
    type: "gauge",
    labels: [MODEL, "block_size", "num_gpu_blocks"],
    help: "Always 1; tokens in a block, and working pages of all replicas",
  },
  prefixQueries: {
    name: "vllm:prefix_cache_queries_total",
    type: "counter",
    labels: [MODEL],
    help: "Prompt tokens looked up in the prefix cache",
  },
  prefixHits: { name: "vllm:prefix_cache_hits_total", type: "counter", labels: [MODEL], help: "Prompt tokens found in the prefix cache" },
  promptTokens: { name: "vllm:prompt_tokens_total", type: "counter", labels: [MODEL], help: "Prompt tokens of ended requests" },
  generationTokens: { name: "vllm:generation_tokens_total", type: "counter", labels: [MODEL], help: "Tokens generated" },
  success: {
    name: "vllm:request_success_total",
    type: "counter",
    labels: [MODEL, "finished_reason"],
    help: "Requests that ended, by reason: stop, length, abort",
  },
  ttft: {
    name: "vllm:time_to_first_token_seconds",
    type: "histogram",
    labels: [MODEL],
    help: "From the arrival of the body to the first token, tokenising included",
  },
  interToken: {
    name: "vllm:inter_token_latency_seconds",
    type: "histogram",
    labels: [MODEL],
    help: "Between consecutive tokens of a request",
  },
  endToEnd: {
    name: "vllm:e2e_request_latency_seconds",
    type: "histogram",
    labels: [MODEL],
    help: "From the arrival of the body to the end of the generation",
  },
  requestPrompt: { name: "vllm:request_prompt_tokens", type: "histogram", labels: [MODEL], help: "Prompt tokens of a request" },
  requestGeneration: { name: "vllm:request_generation_tokens", type: "histogram", labels: [MODEL], help: "Tokens generated for a request" },
  replicas: { name: "heddle:replicas", type: "gauge", labels: [MODEL, "state"], help: "Replicas by state: starting, up, down, given-up" },
  hostLosses: { name: "heddle:host_losses", type: "gauge", labels: [MODEL, "replica"], help: "Hosts of a replica lost since the start" },
  tasks: { name: "heddle:host_iterations", type: "gauge", labels: [MODEL, "replica"], help: "Iterations of a replica's present host" },
  stageBusy: {
    name: "heddle:stage_busy_seconds",
    type: "gauge",
    labels: [MODEL, "replica", "stage"],
    help: "Busy time of a stage since its host started",
  },
  stepTime: {
    name: "heddle:step_time_ratio",
    type: "gauge",
    labels: [MODEL, "replica", "phase"],
    help: "Time of a replica's steps over what its cost model said of them, in the last minute of work; phase: all, decode, prefill",
  },
  kvBytes: { name: "heddle:kv_bytes", type: "gauge", labels: [MODEL, "replica"], help: "Bytes of KV a replica's stages hold" },
  rejected: {
    name: "heddle:requests_failed_total",
    type: "counter",
    labels: [MODEL, "code"],
    help: "Requests to the API that were answered by an error, by its code",
  },
  build: { name: "heddle:build_info", type: "gauge", labels: [MODEL, "version"], help: "Always 1; the version that serves" },
} as const satisfies Record<string, MetricRow>;

export type MetricName = keyof typeof METRICS;

/** The page `docs/metrics.md`. */
export function metricsPage(): string {
  const rows = Object.values(METRICS).map(({ name, type, labels, help }) => {
    const listed = labels.map((label) => `\`${label}\``).join(", ");
    return `| \`${name}\` | ${type} | ${listed} | ${help} |`;
  });
  return [
    "# Metrics",
    "",
    "What `GET /metrics` shows, in Prometheus' text format. Names that begin with `vllm:` mean what they mean in vLLM, so its dashboards work; durations are in",
    "seconds, shares between 0 and 1. Made from `src/telemetry/metric-table.ts`; a test holds the two equal.",
    "",
    "| name | type | labels | meaning |",
    "|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

import { type Command, InvalidArgumentError, Option } from "commander";
import type { MeasuredAt } from "../../cost/iteration/engines/front-time.ts";
import type { Precision, PromptHolds } from "../../plan/deployment/deployment.ts";
import { EMIT_TARGETS, type EmitTarget } from "../../plan/emit/emit-types.ts";
import type { KvLink, TransferLink } from "../../plan/slo/slo-problem.ts";
import type { PeakType } from "../../rack/peak-type.ts";
import type { Objective } from "../../simulate/deployment/objective.ts";
import type { WorkloadScale } from "../../simulate/workload/columns/scale-columns.ts";
import type { OperatorSource } from "../deployment/operator-source.ts";
import { measureAtOption, objectiveOption, operatorsOption, scaleOption } from "../deployment/run-options.ts";
import { wholeNumber } from "../serving-options.ts";

/** What `heddle plan --slo` takes besides the model. */
export interface SloFlags {
  readonly slo?: Objective;
  readonly fleet: readonly string[];
  readonly workload?: string;
  readonly scale?: WorkloadScale;
  readonly lengths?: string;
  readonly tokenizer?: string;
  readonly adapters?: string;
  readonly images?: string;
  readonly lora?: Readonly<Record<string, unknown>>;
  readonly precision: readonly Precision[];
  readonly engine: "vllm" | "sglang" | "trtllm" | "heddle";
  readonly batchedTokens: readonly number[];
  readonly sequences: number;
  readonly replicaDevices: number;
  readonly routing: "round-robin" | "random" | "least-loaded" | "prefix-aware" | "adapter-affinity" | "priced";
  readonly kvLink?: KvLink;
  /** Path of a fabric file. */
  readonly fabric?: string;
  /** The link between attention and feed-forwards; true: the cards of the sheets. */
  readonly ffn?: TransferLink | true;
  readonly budget?: number;
  readonly errorQuantile: number;
  readonly sensitivityPrices?: boolean;
  readonly simulations: number;
  readonly searchSeconds: number;
  readonly seed: number;
  readonly measureAt?: MeasuredAt;
  readonly operators?: OperatorSource;
  readonly holdPrompts: readonly PromptHolds[];
}

const TYPES: readonly PeakType[] = ["f32", "f16", "bf16", "f8e4m3", "f8e5m2", "f4e2m1", "i8", "i4"];
const ENGINES = ["vllm", "sglang", "trtllm", "heddle"];
const ROUTINGS = ["round-robin", "random", "least-loaded", "prefix-aware", "adapter-affinity", "priced"];
const DEFAULT_PRECISION: Precision = { weights: "bf16", kv: "bf16" };
/** Chunks of prompts that are tried. */
const BATCHED_TOKENS: readonly number[] = [2048, 8192, 16_384];
const SEQUENCES = 512;
const REPLICA_DEVICES = 32;
const SIMULATIONS = 40;
/** Leaves room for reading the workload and writing within a minute. */
const SEARCH_SECONDS = 45;
const COUNT_MAX = 1e6;

/** Adds the options of a search for a latency target. */
export function addSloOptions(command: Command): Command {
  return command
    .option("--slo <limits>", "plan a fleet that keeps limits, such as ttft=2s,tpot=50ms[,share=0.9]", objectiveOption)
    .option(
      "--fleet <devices>",
      "devices on offer, such as h200-sxm:64@3.5 (dollars an hour each) or a100:8+l40s:16; repeatable",
      collect,
      [],
    )
    .option("--workload <workload>", "file or generated workload, as of `heddle simulate`")
    .option("--scale <factors>", "the workload at another rate and other lengths, such as rate=2,length=1.5", scaleOption)
    .option("--lengths <file>", "workload file whose pairs of lengths a generated workload draws")
    .option("--tokenizer <file>", "tokenizer.json that counts the tokens of workload files of texts")
    .option(
      "--adapters <law>",
      "adapters (LoRA) for requests of a workload that has none, such as count=200,popularity=zipf:1.1,ranks=16:64",
    )
    .option("--images <law>", "images for requests of a workload that has none, such as count=1-4,sizes=640x640:1920x1080,distinct=50")
    .option(
      "--precision <types>",
      "weights and KV, such as f8e4m3/bf16 (default bf16/bf16); repeatable: all are tried",
      collectPrecision,
      [],
    )
    .addOption(new Option("--engine <name>", "engine whose scheduler and collectives are taken").choices(ENGINES).default("vllm"))
    .option(
      "--lora <settings>",
      "adapters (LoRA) that replicas serve, as lora of a pool: maxLoras=8,maxRank=64,cpuLoras=200,modules=q:k:v:o",
      loraOption,
    )
    .option("--batched-tokens <list>", "tokens of an iteration that are tried", counts, BATCHED_TOKENS)
    .option("--sequences <n>", "sequences at once in a rank, at most", wholeNumber(1, COUNT_MAX), SEQUENCES)
    .option("--replica-devices <n>", "devices of one replica, at most", wholeNumber(1, COUNT_MAX), REPLICA_DEVICES)
    .addOption(new Option("--routing <name>", "routing between replicas").choices(ROUTINGS).default("least-loaded"))
    .option(
      "--fabric <file>",
      "network that fleets stand on, as fabric of a deployment: collectives between machines, and KV, go over its links (examples/fabrics)",
    )
    .option(
      "--kv-link <link>",
      "link from prefill to decode replicas, such as 50GB/s,20us, or fabric,20us with --fabric; split roles, and images encoded on replicas of their own, are tried with it",
      kvLink,
    )
    .option(
      "--ffn [link]",
      "feed-forwards and experts on devices of their own are tried too (mixtures of experts), over the devices' cards or a link such as 50GB/s,15us, with --fabric over its links",
      transferLink,
    )
    .option("--budget <dollars>", "dollars an hour, at most", dollars)
    .option("--error-quantile <share>", "quantile of the prices' error that simulations take: 0.5 as priced, 0.95 pessimistic", share, 0.5)
    .option("--sensitivity-prices", "search again with each figure doubled: what the cheapest fleet would cost by closed forms")
    .option("--simulations <n>", "simulations of the whole workload, at most", wholeNumber(1, COUNT_MAX), SIMULATIONS)
    .option("--search-seconds <n>", "time after which no simulation is begun", wholeNumber(1, COUNT_MAX), SEARCH_SECONDS)
    .addOption(operatorsOption())
    .option(
      "--hold-prompts <settings>",
      "settings that hold prompts back from decodes, tried beside none: recv-interval=30 (sglang), batch-wait=40/0.5 or dp-balance=50/10 (trtllm); repeatable",
      collectHolds,
      [],
    )
    .addOption(measureAtOption())
    .option("--seed <n>", "seed of the routing", wholeNumber(0, 4_294_967_295), 1);
}

export { DEFAULT_PRECISION };

/** `maxLoras=8,maxRank=64,modules=q:k:v:o`: fields of a pool's `lora`, which is checked as of a file. */
function loraOption(text: string): Readonly<Record<string, unknown>> {
  const fields: Record<string, unknown> = {};
  for (const part of text.split(",")) {
    const [name, value, ...more] = part.split("=");
    if (name === undefined || value === undefined || more.length > 0 || Object.hasOwn(fields, name))
      throw new InvalidArgumentError("fields of lora are meant, such as maxLoras=8,maxRank=64,modules=q:k:v:o");
    if (name === "modules") fields[name] = value.split(":");
    else if (/^(true|false|\d+(\.\d+)?(e\d+)?)$/.test(value)) fields[name] = JSON.parse(value);
    else fields[name] = value;
  }
  return fields;
}

/** `50GB/s,20us`, or `fabric,20us` for what the fabric gives. */
function kvLink(text: string): KvLink {
  const match = /^fabric,(\d+(?:\.\d+)?)\s*us$/.exec(text.trim());
  return match === null ? transferLink(text) : { latencyNs: Number(match[1]) * 1e3 };
}

/** `50GB/s,20us`. */
function transferLink(text: string): TransferLink {
  const match = /^(\d+(?:\.\d+)?)\s*GB\/s,(\d+(?:\.\d+)?)\s*us$/.exec(text.trim());
  if (match === null) throw new InvalidArgumentError("a bandwidth and a latency are meant, such as 50GB/s,20us");
  return { bandwidthBytesPerSecond: Number(match[1]) * 1e9, latencyNs: Number(match[2]) * 1e3 };
}

function collect(text: string, all: readonly string[]): readonly string[] {
  return [...all, text];
}

/** `weights/kv` or `weights/experts/kv`. */
function collectPrecision(text: string, all: readonly Precision[]): readonly Precision[] {
  const parts = text.split("/").map((part) => TYPES.find((type) => type === part));
  const [weights, second, third] = parts;
  if (parts.includes(undefined) || parts.length < 2 || parts.length > 3 || weights === undefined || second === undefined) {
    throw new InvalidArgumentError(`weights/kv or weights/experts/kv of ${TYPES.join(", ")} are meant`);
  }
  return [...all, third === undefined ? { weights, kv: second } : { weights, experts: second, kv: third }];
}

const HOLD_MAX = 1e6;

/** `recv-interval=30`, `batch-wait=iterations/share of the tokens` or `dp-balance=timeout iterations/iterations more`. */
function collectHolds(text: string, all: readonly PromptHolds[]): readonly PromptHolds[] {
  const [name, values = ""] = text.split("=");
  const [first, second = Number.NaN] = values.split("/").map(Number);
  const count = (value: number | undefined): value is number => Number.isInteger(value) && value! >= 1 && value! <= HOLD_MAX;
  if (count(first)) {
    if (name === "recv-interval" && Number.isNaN(second)) return [...all, { schedulerRecvInterval: first }];
    if (name === "batch-wait" && second > 0 && second <= 1)
      return [...all, { batchWaitTimeoutIters: first, batchWaitMaxTokensRatio: second }];
    if (name === "dp-balance" && Number.isInteger(second) && second >= 0 && second <= HOLD_MAX)
      return [...all, { attentionDpBalance: { timeoutIters: first, batchingWaitIters: second } }];
  }
  throw new InvalidArgumentError("recv-interval=30, batch-wait=40/0.5 or dp-balance=50/10 is meant");
}

function counts(text: string): readonly number[] {
  return text.split(",").map(wholeNumber(1, COUNT_MAX));
}

function dollars(text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError("dollars an hour are meant, such as 120");
}

function share(text: string): number {
  const value = Number(text);
  if (value > 0 && value < 1) return value;
  throw new InvalidArgumentError("a share between 0 and 1 is meant");
}

/** Types that a checkpoint stores. */
export interface CheckpointTypes {
  readonly weights: PeakType;
  readonly experts?: PeakType;
}

/** What `--emit` takes. */
export interface EmitFlags {
  readonly deployment?: string;
  readonly emit: readonly EmitTarget[];
  readonly out?: string;
  readonly checkWith: readonly string[];
  readonly checkpoint?: string;
  readonly checkpointTypes?: CheckpointTypes;
  readonly devicesPerNode?: number;
  readonly accelerator?: string;
  readonly image?: string;
  readonly routerImage?: string;
  readonly draft?: "mtp";
}

/** Adds the options that write plans for other systems. */
export function addEmitOptions(command: Command): Command {
  return command
    .option("--deployment <file>", "write this deployment instead of planning; with --emit")
    .option("--emit <target>", `write launch commands or manifests: ${EMIT_TARGETS.join(", ")}; repeatable`, collectTarget, [])
    .option("--out <folder>", "folder of what is written (default: printed)")
    .option("--check-with <package>", "wheel or site-packages whose own options the commands are held against; repeatable", collect, [])
    .option("--checkpoint <name>", "what the engine loads, where it is not the model's name")
    .option(
      "--checkpoint-types <types>",
      "types that the checkpoint stores: weights or weights/experts, such as f8e4m3/f8e4m3",
      checkpointTypes,
    )
    .option("--devices-per-node <n>", "devices of a machine, where the device's sheet does not say", wholeNumber(1, COUNT_MAX))
    .option("--accelerator <resource>", "name of the device among Kubernetes' resources, such as nvidia.com/gpu")
    .option("--image <image>", "container image of the engine")
    .option("--router-image <image>", "container image of the router")
    .addOption(new Option("--draft <method>", "how draft tokens are made").choices(["mtp"]));
}

/** `weights` or `weights/experts`. */
function checkpointTypes(text: string): CheckpointTypes {
  const [weights, experts, ...more] = text.split("/").map((part) => TYPES.find((type) => type === part));
  if (weights === undefined || more.length > 0 || (experts === undefined && text.includes("/")))
    throw new InvalidArgumentError(`weights or weights/experts of ${TYPES.join(", ")} are meant`);
  return { weights, ...(experts === undefined ? {} : { experts }) };
}

function collectTarget(text: string, all: readonly EmitTarget[]): readonly EmitTarget[] {
  const target = EMIT_TARGETS.find((one) => one === text);
  if (target === undefined) throw new InvalidArgumentError(`one of ${EMIT_TARGETS.join(", ")} is meant`);
  return [...all, target];
}

import { z } from "zod";
import { peakType } from "../../../rack/rack-schema.ts";

/** Largest size of an operator, count of rows and time that a kit can mean. */
const SIZE_MAX = 1_099_511_627_776;
const ROWS_MAX = 100_000;
const NS_MAX = 1e13;

const size = z.int().min(1).max(SIZE_MAX);
const whole = z.int().min(0).max(SIZE_MAX);
const text = z.string().max(300);

const product = z.strictObject({ op: z.literal("product"), m: size, n: size, k: size, type: peakType });

const prefill = z.strictObject({
  op: z.literal("prefill-attention"),
  batch: size,
  tokens: size,
  context: whole,
  heads: size,
  kvHeads: size,
  headDim: size,
  window: whole,
  type: peakType,
  kvType: peakType,
});

const decode = z.strictObject({
  op: z.literal("decode-attention"),
  batch: size,
  context: size,
  heads: size,
  kvHeads: size,
  headDim: size,
  window: whole,
  kvType: peakType,
});

const experts = z.strictObject({
  op: z.literal("experts"),
  tokens: size,
  width: size,
  inner: size,
  active: size,
  experts: size,
  ranks: z.strictObject({ tensor: size, expert: size }),
  type: peakType,
  load: z.literal("balanced"),
});

const stream = z.strictObject({ op: z.literal("stream"), bytes: size });

const collective = z.strictObject({
  op: z.literal("collective"),
  kind: z.enum(["all-reduce", "all-gather", "reduce-scatter", "all-to-all", "broadcast"]),
  bytes: size,
  ranks: size,
  ranksPerNode: size,
});

const times = {
  ns: z.number().gt(0).max(NS_MAX),
  /** Half the range of the runs over their median. */
  spread: z.number().min(0).max(1e6),
  runs: z.int().min(1).max(1e6),
};

/** What the PyTorch kit writes. */
export const torchKitSchema = z.strictObject({
  form: z.literal("heddle-torch-kit", "must be heddle-torch-kit: this is no file of the kit"),
  version: z.literal(1, "must be 1: the kit that wrote it is of another version"),
  device: z.strictObject({
    name: text.min(1),
    backend: z.enum(["cuda", "rocm", "xpu", "cpu"]),
    count: size,
    memoryBytes: size,
    torch: text,
    runtime: text,
    threads: whole,
  }),
  catalogueId: text,
  quick: z.boolean(),
  seconds: z.number().min(0),
  rows: z
    .array(z.strictObject({ query: z.discriminatedUnion("op", [product, prefill, decode, experts, stream, collective]), ...times }))
    .min(1, "holds no measured operator")
    .max(ROWS_MAX),
  transfers: z
    .array(z.strictObject({ from: z.enum(["host", "device"]), to: z.enum(["host", "device"]), bytes: size, ...times }))
    .max(ROWS_MAX),
  skipped: z.record(text, z.int().min(1)),
});

export type TorchKitFile = z.infer<typeof torchKitSchema>;

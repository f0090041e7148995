import { z } from "zod";
import { nameText } from "../../rack/schema-parts.ts";

const COUNT_MAX = 65_536;
const REPEATS_MAX = 10_000;
const JOBS_MAX = 1000;

/** An amount as written: a number in base units, or text with a unit. */
const amount = z.union(
  [z.number().min(0).max(Number.MAX_SAFE_INTEGER), z.string().min(1).max(40)],
  "must be a number, or text such as 50 GB/s",
);
const count = z.int().min(1).max(COUNT_MAX);
const places = z.array(z.int().min(0).max(COUNT_MAX)).min(1).max(COUNT_MAX);

const scaleUp = z.strictObject({ kind: z.literal("scale-up"), devices: count, bytesPerSecond: amount });
const rails = z.strictObject({
  kind: z.literal("rails"),
  nodes: count,
  devicesPerNode: count,
  nodesPerGroup: count,
  spinesPerRail: z.int().min(0).max(COUNT_MAX),
  scaleUpBytesPerSecond: amount,
  cardBytesPerSecond: amount,
  spineBytesPerSecond: amount,
});
const leaves = z.strictObject({
  kind: z.literal("leaf-spine"),
  leaves: count,
  devicesPerLeaf: count,
  spines: count,
  cardBytesPerSecond: amount,
  spineBytesPerSecond: amount,
});
const tree = z.strictObject({ kind: z.literal("fat-tree"), ports: z.int().min(2).max(64), bytesPerSecond: amount });
const grid = z.strictObject({ kind: z.literal("torus"), sizes: z.array(count).min(1).max(6), bytesPerSecond: amount });

const job = z.strictObject({
  name: nameText,
  kind: z.enum(["all-reduce", "all-gather", "reduce-scatter", "all-to-all"]),
  algorithm: z.exactOptional(z.enum(["ring", "tree", "in-switch"])),
  /** In the order in which they send to one another. */
  devices: z.exactOptional(places),
  /** Whole nodes of a fabric of rails, with a channel for each of their cards. */
  nodes: z.exactOptional(places),
  bytes: amount,
  startNs: z.exactOptional(amount),
  stepNs: z.exactOptional(amount),
  repeats: z.exactOptional(z.int().min(1).max(REPEATS_MAX)),
  pauseNs: z.exactOptional(amount),
});

/** A network and the collectives of jobs on it, as a file holds them; fields are those of the topologies' builders and of `CollectiveJob`. */
export const fabricSchema = z.strictObject({
  fabric: z.discriminatedUnion("kind", [scaleUp, rails, leaves, tree, grid]),
  jobs: z.array(job).min(1).max(JOBS_MAX),
});

/** The network alone, as a deployment names it. */
export const networkSchema = fabricSchema.omit({ jobs: true });

export type WrittenFabric = z.infer<typeof fabricSchema>;
export type WrittenJob = WrittenFabric["jobs"][number];

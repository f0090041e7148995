import { z } from "zod";
import type { FleetEvent } from "./fleet-engine-types.ts";
import { LEDGER_FORMAT, type LedgerHeader } from "./ledger.ts";
import type { FromReplica, ToReplica } from "./messages.ts";
import type { ReplicaEvent } from "./replica-engine-types.ts";

const count = z.int().min(0);
const index = z.int();
const text = z.string();
const keys = z.array(text);

const toReplica: z.ZodType<ToReplica> = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("submit"),
    request: count,
    attempt: count,
    promptTokens: count,
    delivered: count,
    maxNewTokens: index,
    keys,
    parts: keys,
    priority: z.number(),
  }),
  z.strictObject({ type: z.literal("cancel"), request: count }),
  z.strictObject({ type: z.literal("drain") }),
]);

const fromReplica: z.ZodType<FromReplica> = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("started"), request: count, attempt: count, cachedTokens: count }),
  z.strictObject({ type: z.literal("token"), request: count, attempt: count, index: count, token: index }),
  z.strictObject({
    type: z.literal("finished"),
    request: count,
    attempt: count,
    reason: z.enum(["stop", "length", "cancelled"]),
    generated: count,
  }),
  z.strictObject({
    type: z.literal("failed"),
    request: count,
    attempt: count,
    code: z.enum(["prompt-too-long", "device-failed", "draining"]),
  }),
  z.strictObject({
    type: z.literal("report"),
    running: count,
    waiting: count,
    freePages: index,
    prefillBacklogTokens: count,
    sealed: keys,
    evicted: keys,
  }),
]);

/** Form of a replica engine's event. */
export const replicaEventSchema: z.ZodType<ReplicaEvent> = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("message"), message: toReplica }),
  z.strictObject({
    type: z.literal("task-finished"),
    task: count,
    stageNs: z.array(z.number()),
    samples: z.array(z.strictObject({ token: index, stop: z.boolean() })),
    sealedKeys: z.array(keys),
  }),
  z.strictObject({ type: z.literal("task-failed"), task: count, detail: text }),
  z.strictObject({ type: z.literal("timer") }),
]);

/** Form of the fleet engine's event. */
export const fleetEventSchema: z.ZodType<FleetEvent> = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("start") }),
  z.strictObject({
    type: z.literal("request-arrived"),
    request: count,
    promptTokens: count,
    maxNewTokens: count,
    keys,
    parts: keys,
    priority: z.number(),
  }),
  z.strictObject({ type: z.literal("request-cancelled"), request: count }),
  z.strictObject({ type: z.literal("request-stopped"), request: count, index: count }),
  z.strictObject({ type: z.literal("replica-up"), replica: count, incarnation: count }),
  z.strictObject({ type: z.literal("replica-down"), replica: count, incarnation: count, detail: text }),
  z.strictObject({ type: z.literal("message"), replica: count, incarnation: count, message: fromReplica }),
  z.strictObject({ type: z.literal("drain") }),
]);

const list = z.array(z.looseObject({}));
const policy = z.looseObject({ maxChunkTokens: count, prefixCache: z.boolean() });
const replicaConfig = z.looseObject({ stages: count, workingPages: count, sealedSlots: count, maxSequences: count, policy });
const fleetConfig = z.looseObject({ replicas: z.array(z.looseObject({ maxSequences: count, stages: count })), policy });
const node = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("fleet"), config: fleetConfig, policy: text }),
  z.looseObject({
    type: z.literal("dataflow"),
    config: z.looseObject({
      rack: z.looseObject({ memories: list, classes: list, devices: list, links: list }),
      limits: z.looseObject({}),
      policy: z.looseObject({}),
    }),
    policy: text,
  }),
  z.looseObject({ type: z.literal("replica"), replica: count, incarnation: count, config: replicaConfig, policy: text }),
]);

/** Form of a header as far as a reader leans on it; configurations and cost inputs are checked by what is made from them. */
export const headerSchema = z.custom<LedgerHeader>(
  (value) =>
    z
      .looseObject({
        format: z.literal(LEDGER_FORMAT),
        heddle: text,
        node,
        costs: z.array(z.unknown()),
        tokens: z.enum(["kept", "dropped"]),
        segment: count,
        firstIndex: count,
        startNs: z.number().min(0),
        startHash: z.string().regex(/^[0-9a-f]{16}$/),
      })
      .safeParse(value).success,
);

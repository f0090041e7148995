import { z } from "zod";
import type { AccessSpec, DataflowEvent, StageSpec, TaskSpec } from "./dataflow-types.ts";

const id = z.int().min(0);
const ns = z.number().min(0);
const bytes = z.number().min(0);
const text = z.string();

const stage: z.ZodType<StageSpec> = z.strictObject({
  stage: id,
  operator: id,
  variants: z.array(
    z.strictObject({
      class: id,
      priorNs: ns.exactOptional(),
      weightBytes: bytes,
      loadNs: ns,
      compileNs: ns,
      joules: z.number().exactOptional(),
    }),
  ),
});

const access: z.ZodType<AccessSpec> = z.strictObject({
  handle: id,
  mode: z.enum(["read", "append", "write", "reduce"]),
  bytes: z.number().exactOptional(),
  member: z.int().exactOptional(),
});

const task: z.ZodType<TaskSpec> = z.strictObject({
  stage: id,
  accesses: z.array(access),
  priority: z.number().exactOptional(),
  footprint: z.int().exactOptional(),
  work: z.number().exactOptional(),
  devices: z.array(z.int()).exactOptional(),
  gang: z.int().exactOptional(),
});

/** Form of a dataflow engine's event. Task ids below 0 are the engine's own. */
export const dataflowEventSchema: z.ZodType<DataflowEvent> = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("stage-declared"), stage }),
  z.strictObject({ type: z.literal("handle-declared"), handle: id, combine: id.exactOptional() }),
  z.strictObject({ type: z.literal("put"), handle: id, bytes }),
  z.strictObject({ type: z.literal("submitted"), first: id, tasks: z.array(task), template: id.exactOptional() }),
  z.strictObject({ type: z.literal("repeated"), template: id, first: id }),
  z.strictObject({ type: z.literal("task-cancelled"), task: id }),
  z.strictObject({ type: z.literal("fetch"), fetch: id, handle: id }),
  z.strictObject({ type: z.literal("delivered"), fetch: id }),
  z.strictObject({ type: z.literal("handle-released"), handle: id }),
  z.strictObject({ type: z.literal("task-finished"), run: id, durationNs: ns, bytes: z.array(bytes) }),
  z.strictObject({ type: z.literal("task-failed"), run: id, detail: text, permanent: z.boolean().exactOptional() }),
  z.strictObject({ type: z.literal("transfer-finished"), transfer: id, durationNs: ns }),
  z.strictObject({ type: z.literal("transfer-failed"), transfer: id, detail: text }),
  z.strictObject({ type: z.literal("load-finished"), load: id, durationNs: ns }),
  z.strictObject({ type: z.literal("load-failed"), load: id, detail: text }),
  z.strictObject({ type: z.literal("host-lost"), host: id, mayReturn: z.boolean() }),
  z.strictObject({ type: z.literal("device-lost"), device: id, mayReturn: z.boolean() }),
  z.strictObject({ type: z.literal("device-joined"), device: id }),
]);

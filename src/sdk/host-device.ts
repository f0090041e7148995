import { HeddleError } from "../base/heddle-error.ts";
import { rowsOf, tensorBytes, withRows } from "../execute/dataflow/tensor-rows.ts";
import type { DeviceDriver, DeviceTensor, OpenDevice, ResidentStage } from "../execute/device/device-driver.ts";
import type { HostTensor } from "../execute/device/tensor.ts";
import type { Operator, TensorId } from "../graph/ir/graph.ts";
import type { StageModel } from "../graph/program/program.ts";
import type { DeviceKind } from "../rack/rack.ts";

/** A device that computes operators one by one on tensors in the host's memory. */
export interface HostDevice {
  readonly kind: DeviceKind;
  /** Why it does not take an operator; `undefined` where it does. Operators that read weights are refused anyway: weights stay in stages' models. */
  readonly refuses: (operator: Operator) => string | undefined;
  readonly compute: (operator: Operator, inputs: readonly HostTensor[]) => readonly HostTensor[] | Promise<readonly HostTensor[]>;
}

type Held = DeviceTensor & HostTensor;
const NS_PER_MS = 1e6;

/** A driver from two functions, for devices of one's own whose tensors lie in the host's memory. What computes in a memory of its own implements `DeviceDriver`. */
export function hostDevice(id: string, device: HostDevice): DeviceDriver {
  return { id, open: async ({ memoryBytes }) => openHostDevice(id, device, memoryBytes) };
}

function openHostDevice(id: string, device: HostDevice, capacityBytes: number): OpenDevice {
  const seen = { runs: 0, failures: 0, busyNs: 0, uploadedBytes: 0, downloadedBytes: 0 };
  const load =
    (stage: StageModel): ResidentStage["run"] =>
    async (inputs) => {
      const start = performance.now();
      try {
        const outputs = await compute(device, stage, inputs);
        const busyNs = Math.max(1, Math.round((performance.now() - start) * NS_PER_MS));
        seen.runs++;
        seen.busyNs += busyNs;
        return { outputs, busyNs, parts: [{ what: "compute", ns: busyNs }] };
      } catch (cause) {
        seen.failures++;
        if (cause instanceof HeddleError) throw cause;
        throw new HeddleError("device-failed", { where: id, detail: cause instanceof Error ? cause.message : String(cause), cause });
      }
    };
  return {
    describe: () => ({
      kind: device.kind,
      driver: id,
      version: "own",
      name: id,
      boundary: "operator",
      shapes: { type: "dynamic" },
      residency: { type: "stay" },
      stateBoundary: "sequence",
      numerics: { formats: ["f32"], batchInvariance: { invariant: false, tolerance: 1 }, deterministic: false },
      memory: { own: false, capacityBytes, basis: "data-sheet" },
      peaks: [],
      collectives: [],
    }),
    supports: (graph, operator) => {
      const row = graph.operators[operator]!;
      const stored = row.inputs.some((tensor) => tensor === undefined || isStored(graph.tensors[tensor]!.origin));
      const reason = device.refuses(row) ?? (stored ? "it takes operators whose inputs are all computed or given" : undefined);
      return reason === undefined ? { ok: true } : { ok: false, reason };
    },
    compile: async (stage) => ({ key: `${id} ${stage.key}`, stage, weightBytes: 0, compileNs: 0, fromCache: false }),
    load: async (compiled) => ({ compiled, loadNs: 0, run: load(compiled.stage), release: async () => undefined }),
    upload: async (tensor) => {
      seen.uploadedBytes += tensorBytes(tensor);
      return held({ ...tensor, data: tensor.data.slice() as HostTensor["data"] });
    },
    download: async (tensor) => {
      seen.downloadedBytes += tensorBytes(tensor);
      return tensor as Held;
    },
    copy: async (tensor) => held(withRows(rowsOf(tensor as Held, { from: 0, to: 0 }), tensor as Held)),
    append: async (target, rows) => held(withRows(target as Held, rows as Held)),
    free: () => undefined,
    collective: () => Promise.reject(new HeddleError("stage-unsupported", { where: id, detail: "it takes part in no gang" })),
    estimate: () => ({ noBasis: "nothing is known of it before a run" }),
    telemetry: () => ({ ...seen, compileNs: 0, reconfigurations: 0, heldBytes: 0, heldBytesMax: 0, paddedShare: 0, lateRuns: 0 }),
    drain: async () => undefined,
    close: async () => undefined,
  };
}

function isStored(origin: string): boolean {
  return origin === "weight" || origin === "constant";
}

function held(tensor: HostTensor): Held {
  return { ...tensor, bytes: tensorBytes(tensor) };
}

/** Operators of a stage in their order. Errors: `input-invalid` for a port that is not given or of another type. */
async function compute(
  device: HostDevice,
  stage: StageModel,
  inputs: Readonly<Record<string, DeviceTensor>>,
): Promise<Record<string, Held>> {
  const values = new Map<TensorId, HostTensor>();
  for (const { name, tensor, type } of stage.inputs) {
    const given = inputs[name] as Held | undefined;
    if (given === undefined || given.type !== type)
      throw new HeddleError("input-invalid", { where: name, detail: `wants ${type}, got ${given?.type ?? "nothing"}` });
    values.set(tensor, given);
  }
  for (const id of stage.operators) {
    const operator = stage.graph.operators[id]!;
    const made = await device.compute(
      operator,
      operator.inputs.map((tensor) => values.get(tensor!)!),
    );
    for (const [at, tensor] of operator.outputs.entries()) if (tensor !== undefined && made[at] !== undefined) values.set(tensor, made[at]);
  }
  return Object.fromEntries(
    stage.outputs.map(({ name, tensor }) => {
      const value = values.get(tensor);
      if (value === undefined) throw new HeddleError("device-failed", { where: name, detail: "the device gave no such output" });
      return [name, held(value)];
    }),
  );
}

import { performance } from "node:perf_hooks";
import { assert } from "../../../base/assert.ts";
import { HeddleError } from "../../../base/heddle-error.ts";
import { stateWork } from "../../../cost/state-work.ts";
import { evaluate, symbolsOf } from "../../../graph/ir/expression.ts";
import type { StageModel } from "../../../graph/program/program.ts";
import { stateOutputs } from "../../../graph/program/state-operators.ts";
import { STATE_DOMAIN } from "../../../graph/program/state-spec.ts";
import { version } from "../../../version.ts";
import { runCollective } from "../../collectives/run-collective.ts";
import { createDeviceAccounts } from "../../device/device-accounts.ts";
import type { DeviceDescription, DeviceOptions, DeviceTensor, OpenDevice, ResidentStage, Support } from "../../device/device-driver.ts";
import type { HostTensor } from "../../device/tensor.ts";
import { type HostHeld, held, hostMemory } from "../shared/host-memory.ts";
import { createHistory } from "./history.ts";
import { runOperator, STATE_KERNELS } from "./operators.ts";
import { runStage } from "./run-stage.ts";

/** Opens the device; its tensors lie in the host's memory. */
export function openIpu({ device, memoryBytes }: DeviceOptions, kernel: typeof runOperator = runOperator): OpenDevice {
  const accounts = createDeviceAccounts(device.id, memoryBytes);
  const memory = hostMemory();
  const history = createHistory();
  const live = new Set<HostHeld>();
  const compiledKeys = new Set<string>();
  let state: "open" | "draining" | "closed" | "failed" = "open";

  const checkUsable = (): void => {
    if (state === "closed" || state === "failed") throw new HeddleError("device-failed", { where: device.id, detail: `it is ${state}` });
  };
  /** A kernel that throws what is no error of the table has failed, and what it left behind is unknown. */
  const failure = (thrown: unknown): unknown => {
    if (thrown instanceof HeddleError) return thrown;
    state = "failed";
    return new HeddleError("device-failed", {
      where: device.id,
      detail: thrown instanceof Error ? thrown.message : String(thrown),
      cause: thrown,
    });
  };

  const keep = (tensor: HostHeld): DeviceTensor => {
    live.add(tensor);
    return tensor;
  };
  const own = (tensor: DeviceTensor): HostHeld => {
    assert(live.has(tensor as HostHeld), "a tensor of this device that was not freed", { dims: tensor.dims });
    return tensor as HostHeld;
  };
  /** Holds the bytes while they are made; what comes of it holds them on. */
  const taking = async (bytes: number, what: string, make: () => Promise<HostHeld>): Promise<DeviceTensor> => {
    checkUsable();
    accounts.hold(bytes, what);
    try {
      return keep(await make());
    } catch (thrown) {
      accounts.give(bytes);
      throw thrown;
    }
  };
  const supports = (operator: StageModel["graph"]["operators"][number]): Support =>
    operator.domain === STATE_DOMAIN && Object.hasOwn(STATE_KERNELS, operator.type)
      ? { ok: true }
      : { ok: false, reason: `${operator.domain} ${operator.type} is no operator on state` };

  const resident = (compiled: ResidentStage["compiled"]): ResidentStage => ({
    compiled,
    loadNs: 0,
    run: async (inputs) => {
      checkUsable();
      if (state === "draining") throw new HeddleError("draining", { where: device.id });
      const began = performance.now();
      for (const tensor of Object.values(inputs)) own(tensor);
      const made: HostTensor[] = [];
      try {
        const outputs = runStage(compiled.stage, inputs as Readonly<Record<string, HostHeld>>, {
          hold: (tensor, what) => {
            accounts.hold(tensor.data.byteLength, what);
            made.push(tensor);
          },
          ran: history.add,
          kernel,
        });
        const busyNs = Math.max(1, Math.round((performance.now() - began) * 1e6));
        const wanted = new Set(Object.values(outputs));
        for (const tensor of made) if (!wanted.has(tensor)) accounts.give(tensor.data.byteLength);
        accounts.add({ runs: 1, busyNs });
        const kept = Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, keep(held(tensor))]));
        return { outputs: kept, busyNs, parts: [{ what: "compute", ns: busyNs }] };
      } catch (thrown) {
        for (const tensor of made) accounts.give(tensor.data.byteLength);
        accounts.add({ failures: 1 });
        throw failure(thrown);
      }
    },
    release: async () => undefined,
  });

  return {
    describe: () => description(memoryBytes),
    supports: (graph, operator) => supports(graph.operators[operator]!),
    compile: async (stage) => {
      checkUsable();
      for (const id of stage.operators) {
        const operator = stage.graph.operators[id]!;
        const support = supports(operator);
        if (!support.ok) throw new HeddleError("stage-unsupported", { where: operator.name, detail: support.reason });
        const forms = operator.inputs.map((input) => {
          const { type, shape } = stage.graph.tensors[input!]!;
          return { type, shape: shape ?? [] };
        });
        stateOutputs(operator.type, { name: operator.name, inputs: forms, attributes: operator.attributes });
      }
      const key = `ipu:${version}:${stage.key}`;
      const fromCache = compiledKeys.has(key);
      compiledKeys.add(key);
      return { key, stage, weightBytes: 0, compileNs: 0, fromCache };
    },
    load: async (compiled) => {
      checkUsable();
      return resident(compiled);
    },
    upload: (tensor, options) => {
      const bytes = memory.uploadBytes(tensor, options?.capacity);
      accounts.add({ uploadedBytes: tensor.data.byteLength });
      return taking(bytes, "a tensor", () => memory.upload(tensor, options?.capacity));
    },
    download: async (tensor) => {
      checkUsable();
      accounts.add({ downloadedBytes: own(tensor).data.byteLength });
      return memory.download(own(tensor));
    },
    copy: (tensor) => taking(own(tensor).data.byteLength, "a copy", () => memory.copy(own(tensor))),
    append: async (target, rows) => {
      const [whole, more] = [own(target), own(rows)];
      if (whole.type !== more.type || whole.dims.length === 0 || whole.dims.slice(1).join() !== more.dims.slice(1).join()) {
        const detail = `${more.type} [${more.dims}] behind ${whole.type} [${whole.dims}]`;
        throw new HeddleError("input-invalid", { where: "append", detail });
      }
      const needed = memory.appendBytes(whole, more);
      const longer = await taking(needed, "room to grow", () => memory.append(whole, more));
      live.delete(whole);
      if (needed > 0) accounts.give(whole.bytes);
      return longer;
    },
    free: (tensor) => {
      accounts.give(own(tensor).bytes);
      live.delete(tensor as HostHeld);
    },
    collective: async (group, call, buffer) => {
      const result = await runCollective(group, call, own(buffer));
      return taking(result.data.byteLength, "the result of a collective", async () => held(result));
    },
    estimate: (stage, sizes) => {
      const works = stage.operators.map((id) => ({
        type: stage.graph.operators[id]!.type,
        work: stateWork(stage.graph, stage.graph.operators[id]!),
      }));
      const open = works.flatMap(({ work }) => symbolsOf(work.bytes)).find((symbol) => sizes[symbol] === undefined);
      if (open !== undefined) return { noBasis: `no value is given for ${open}` };
      return history.estimate(works.map(({ type, work }) => ({ type, bytes: evaluate(work.bytes, sizes) })));
    },
    telemetry: () => accounts.read(),
    drain: async () => {
      if (state === "open") state = "draining";
    },
    close: async () => {
      state = "closed";
      for (const tensor of live) accounts.give(tensor.bytes);
      live.clear();
    },
  };
}

function description(memoryBytes: number): DeviceDescription {
  return {
    kind: "ipu",
    driver: "ipu",
    version,
    name: `javascript (node ${process.versions.node}, ${process.arch})`,
    boundary: "stage",
    shapes: { type: "dynamic" },
    residency: { type: "stay" },
    stateBoundary: "blocks",
    numerics: { formats: ["f32", "i8", "f8e4m3"], batchInvariance: { invariant: true, tolerance: 0 }, deterministic: true },
    memory: { own: false, capacityBytes: memoryBytes, basis: "data-sheet" },
    peaks: [],
    collectives: ["all-reduce", "all-gather", "reduce-scatter", "broadcast", "all-to-all"],
  };
}

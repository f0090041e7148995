import { assert } from "../../../base/assert.ts";
import { HeddleError } from "../../../base/heddle-error.ts";
import { runCollective } from "../../collectives/run-collective.ts";
import { checkInputs } from "../../device/check-inputs.ts";
import { createDeviceAccounts } from "../../device/device-accounts.ts";
import type {
  CompiledStage,
  DeviceDescription,
  DeviceOptions,
  DeviceTensor,
  Numerics,
  OpenDevice,
  ResidentStage,
  StageRun,
} from "../../device/device-driver.ts";
import { estimateStage } from "../../device/estimate-stage.ts";
import type { HostTensor } from "../../device/tensor.ts";
import { bytesOfTensor } from "../../device/tensor-arrays.ts";
import type { NativeRuntime, NativeTensor } from "./native-runtime.ts";
import { prepareStages } from "./native-stages.ts";
import { operatorSupport } from "./operator-support.ts";

/** A tensor of the device around the runtime's. */
interface Held extends DeviceTensor {
  native: NativeTensor | undefined;
}

export interface OnnxDeviceFacts {
  readonly driver: string;
  readonly numerics: Numerics;
}

const NS_PER_MS = 1e6;

/** A device on one of ONNX Runtime's packages: order, limits, counts and failures are kept here, arithmetic and memory are the runtime's. */
export function openOnnxDevice(runtime: NativeRuntime, options: DeviceOptions, facts: OnnxDeviceFacts): OpenDevice {
  const { device, memoryBytes } = options;
  const accounts = createDeviceAccounts(device.id, memoryBytes);
  const { memory } = runtime;
  const live = new Set<Held>();
  const stages = prepareStages(runtime, { device, driver: facts.driver, accounts });
  let failure: HeddleError | undefined;
  let draining = false;
  let last: Promise<unknown> = Promise.resolve();

  const isAlive = (): void => {
    if (failure !== undefined) throw failure;
  };
  /** One after the other; what the library throws becomes an error of the table, and ends the device where nothing works after it. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(async () => {
      isAlive();
      try {
        return await work();
      } catch (thrown) {
        if (thrown instanceof HeddleError) throw thrown;
        const detail = thrown instanceof Error ? thrown.message : String(thrown);
        accounts.add({ failures: 1 });
        if (isOutOfMemory(detail)) throw new HeddleError("capacity", { where: device.id, detail, cause: thrown });
        const error = new HeddleError("device-failed", { where: device.id, detail, cause: thrown });
        if (runtime.isFatal(detail)) failure = error;
        throw error;
      }
    });
    last = turn.catch(() => undefined);
    return turn;
  };
  const wrap = (native: NativeTensor): Held => {
    const tensor: Held = { type: native.type, dims: native.dims, bytes: native.bytes, native };
    live.add(tensor);
    return tensor;
  };
  const nativeOf = (tensor: DeviceTensor): NativeTensor => {
    const { native } = tensor as Held;
    assert(native !== undefined && live.has(tensor as Held), "a tensor is used on its device, before it is freed", { device: device.id });
    return native;
  };
  const forget = (tensor: Held): NativeTensor => {
    const native = nativeOf(tensor);
    live.delete(tensor);
    tensor.native = undefined;
    accounts.give(native.bytes);
    return native;
  };
  const upload = async (tensor: HostTensor, capacity?: number): Promise<DeviceTensor> => {
    assert(
      tensor.data.length === tensor.dims.reduce((product, size) => product * size, 1),
      "a tensor has as many elements as its shape says",
    );
    if (!runtime.types.has(tensor.type)) {
      const detail = `${runtime.name} holds no tensors of ${tensor.type}`;
      throw new HeddleError("stage-unsupported", { where: device.id, detail });
    }
    const bytes = memory.uploadBytes(tensor, capacity);
    stages.makeRoom(bytes);
    accounts.hold(bytes, "a tensor");
    try {
      const native = await memory.upload(tensor, capacity);
      accounts.add({ uploadedBytes: bytesOfTensor(tensor) });
      return wrap(native);
    } catch (thrown) {
      accounts.give(bytes);
      throw thrown;
    }
  };
  const download = async (tensor: DeviceTensor): Promise<HostTensor> => {
    const host = await memory.download(nativeOf(tensor));
    accounts.add({ downloadedBytes: bytesOfTensor(host) });
    return host;
  };
  const adopt = (made: readonly NativeTensor[], what: string): Held[] => {
    const bytes = made.reduce((sum, native) => sum + native.bytes, 0);
    try {
      stages.makeRoom(bytes);
      accounts.hold(bytes, what);
    } catch (thrown) {
      for (const native of made) memory.free(native);
      throw thrown;
    }
    return made.map(wrap);
  };

  const load = async (compiled: CompiledStage): Promise<ResidentStage> => {
    const startedAt = performance.now();
    const resident = await inTurn(() => stages.take(compiled));
    const loadNs = Math.round((performance.now() - startedAt) * NS_PER_MS);
    let released = false;
    const runNow = async (inputs: Readonly<Record<string, DeviceTensor>>): Promise<StageRun> => {
      assert(!released, "a stage is run before it is released", { stage: compiled.stage.name });
      const feeds = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, nativeOf(tensor)]));
      const from = performance.now();
      const outputs = compiled.stage.outputs.length === 0 ? {} : await resident.session.run(feeds);
      const busyNs = Math.round((performance.now() - from) * NS_PER_MS);
      const names = Object.keys(outputs);
      const tensors = adopt(Object.values(outputs), `a run of ${compiled.stage.name}`);
      accounts.add({ runs: 1, busyNs });
      return {
        outputs: Object.fromEntries(names.map((name, at) => [name, tensors[at]!])),
        busyNs,
        parts: [{ what: "compute", ns: busyNs }],
      };
    };
    return {
      compiled,
      loadNs,
      run: async (inputs) => {
        isAlive();
        if (draining) throw new HeddleError("draining", { where: device.id });
        checkInputs(compiled.stage, inputs);
        return inTurn(() => runNow(inputs));
      },
      release: () =>
        inTurn(async () => {
          if (released) return;
          released = true;
          await resident.release();
        }),
    };
  };

  const description: DeviceDescription = {
    kind: device.kind,
    driver: facts.driver,
    version: runtime.version,
    name: runtime.name,
    boundary: "stage",
    shapes: { type: "dynamic" },
    residency: { type: "stay" },
    stateBoundary: "blocks",
    numerics: facts.numerics,
    memory: { own: runtime.ownMemory, capacityBytes: memoryBytes, basis: "data-sheet" },
    peaks: device.peaks ?? [],
    collectives: ["all-reduce", "all-gather", "reduce-scatter", "broadcast", "all-to-all"],
  };
  const support = operatorSupport(runtime);
  return {
    describe: () => description,
    supports: (graph, operator) => {
      isAlive();
      return support(graph, operator);
    },
    compile: (stage) => inTurn(() => stages.compile(stage)),
    load,
    upload: (tensor, given = {}) => inTurn(() => upload(tensor, given.capacity)),
    download: (tensor) => inTurn(() => download(tensor)),
    copy: (tensor) =>
      inTurn(async () => {
        const native = nativeOf(tensor);
        stages.makeRoom(native.bytes);
        return adopt([await memory.copy(native)], "a copy")[0]!;
      }),
    append: (target, rows) =>
      inTurn(async () => {
        const [grown, added] = [nativeOf(target), nativeOf(rows)];
        checkRows(grown, added);
        const more = memory.appendBytes(grown, added);
        stages.makeRoom(more);
        accounts.hold(more, "a longer tensor");
        let native: NativeTensor;
        try {
          native = await memory.append(grown, added);
        } finally {
          accounts.give(more);
        }
        forget(target as Held);
        accounts.hold(native.bytes, "a longer tensor");
        const crossed = memory.takeHiddenBytes();
        accounts.add({ uploadedBytes: crossed, downloadedBytes: crossed });
        return wrap(native);
      }),
    free: (tensor) => {
      const native = forget(tensor as Held);
      if (failure === undefined) memory.free(native);
    },
    collective: async (group, call, buffer) => {
      const host = await inTurn(() => download(buffer));
      const result = await runCollective(group, call, host);
      return inTurn(() => upload(result));
    },
    estimate: (stage, sizes) => estimateStage(device, stage, sizes),
    telemetry: () => accounts.read(),
    drain: async () => {
      draining = true;
      await last;
    },
    close: async () => {
      draining = true;
      await last;
      if (failure === undefined) for (const tensor of [...live]) memory.free(forget(tensor));
      await stages.close();
      failure ??= new HeddleError("device-failed", { where: device.id, detail: "it is closed" });
      await runtime.close();
    },
  };
}

function checkRows(target: NativeTensor, rows: NativeTensor): void {
  const fits = target.type === rows.type && target.dims.length > 0 && target.dims.slice(1).join() === rows.dims.slice(1).join();
  if (fits && rows.dims.length === target.dims.length) return;
  const detail = `${rows.type}[${rows.dims.join(", ")}] are no rows of ${target.type}[${target.dims.join(", ")}]`;
  throw new HeddleError("input-invalid", { where: "append", detail });
}

/** How ONNX Runtime's allocators and the C++ library say so. */
function isOutOfMemory(message: string): boolean {
  return /bad_alloc|Failed to allocate memory|out of memory/i.test(message);
}

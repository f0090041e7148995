import { HeddleError } from "../../../base/heddle-error.ts";
import type { Bindings } from "../../../graph/ir/expression.ts";
import { ELEMENT_BYTES } from "../../../graph/ir/graph.ts";
import type { StageModel } from "../../../graph/program/program.ts";
import type { Emulation } from "../../../rack/emulation.ts";
import type { Device } from "../../../rack/rack.ts";
import type {
  CompiledStage,
  CompileOptions,
  DeviceTensor,
  OpenDevice,
  ResidentStage,
  RunPart,
  StageRun,
} from "../../device/device-driver.ts";
import { acceptedBy } from "./accepted.ts";
import { createDeviceMemory } from "./device-memory.ts";
import { emulatedDescription } from "./emulated-description.ts";
import { emulatedEstimate } from "./emulated-estimate.ts";
import { createEmulatedTensors, tensorBytes } from "./emulated-tensors.ts";
import { roundedStage } from "./numbers/rounded-stage.ts";
import { nowNs, waitUntil } from "./pace.ts";
import { portFault } from "./padding/padding-fault.ts";
import { paddedSizes, sizesOfRun, textOfSizes } from "./run-sizes.ts";
import { runParts, sumOfParts, trueRates } from "./run-time.ts";
import { computeStage } from "./stage-run.ts";
import { createStageSlots } from "./stage-slots.ts";

export interface EmulatedOptions {
  readonly device: Device;
  readonly emulation: Emulation;
  readonly memoryBytes: number;
  /** The device that computes. */
  readonly inner: OpenDevice;
  readonly failAtRun: number;
}

interface Compiled extends CompiledStage {
  readonly inner: CompiledStage;
  /** Combinations of sizes there is code for; a static device compiles at the first run of any other. */
  readonly combinations: Set<string>;
}

export function openEmulated({ device, emulation, memoryBytes, inner, failAtRun }: EmulatedOptions): OpenDevice {
  const { id } = device;
  const memory = createDeviceMemory(id, memoryBytes);
  const tensors = createEmulatedTensors(id, inner, memory);
  const slots = createStageSlots(emulation.residency.type === "reconfigure" ? emulation.residency.stages : Infinity);
  const supports = acceptedBy(emulation, inner);
  const rates = trueRates(device, emulation);
  const compiledBefore = new Map<string, Compiled>();
  const counts = { runs: 0, failures: 0, busyNs: 0, compileNs: 0, reconfigurations: 0, uploadedBytes: 0, downloadedBytes: 0, lateRuns: 0 };
  const filled = { elements: 0, fillingElements: 0 };
  let last: Promise<unknown> = Promise.resolve();
  let draining = false;
  let failure: HeddleError | undefined;

  /** One thing after another, in the order it was asked for. */
  const inOrder = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(() => {
      if (failure !== undefined) throw failure;
      return work();
    });
    last = next.catch(() => undefined);
    return next;
  };

  /** Errors: `capacity`, before anything is done. */
  const refuseWithout = (bytes: number, what: string): void => {
    if (bytes <= 0) return;
    memory.take(bytes, what);
    memory.give(bytes);
  };

  const compile = (stage: StageModel, options: CompileOptions = {}): Promise<CompiledStage> =>
    inOrder(async () => {
      refuseUnsupported(stage);
      const known = compiledBefore.get(stage.key);
      const combination = emulation.shapes.type === "static" && options.sizes !== undefined ? textOfSizes(options.sizes) : "";
      const began = nowNs();
      const rounded = emulation.rounding === "inputs" ? roundedStage(stage, emulation.format) : stage;
      // Asked again even where it is known: a device that is gone says so.
      const made = await inner.compile(rounded, options);
      if (known?.combinations.has(combination)) return { ...known, compileNs: 0, fromCache: true };
      await waitUntil(began + emulation.compileNs, options.signal);
      const compileNs = Math.round(nowNs() - began);
      counts.compileNs += compileNs;
      const combinations = new Set([...(known?.combinations ?? []), combination]);
      const compiled: Compiled = {
        key: made.key,
        stage,
        weightBytes: stage.weightBytes,
        compileNs,
        fromCache: false,
        inner: made,
        combinations,
      };
      compiledBefore.set(stage.key, compiled);
      return compiled;
    });

  const refuseUnsupported = (stage: StageModel): void => {
    const refuse = (operator: string, reason: string): HeddleError =>
      new HeddleError("stage-unsupported", { where: id, detail: `${stage.name}, ${operator}: ${reason}` });
    for (const operator of stage.operators) {
      const support = supports(stage.graph, operator);
      const { name, type } = stage.graph.operators[operator]!;
      if (!support.ok) throw refuse(`${type} ${name}`, support.reason);
    }
    if (emulation.boundary === "operator" && stage.operators.length > 1)
      throw refuse("the whole stage", `the device takes one operator at a time, not ${stage.operators.length}`);
    const fault = emulation.shapes.type === "bucketed" ? portFault(stage) : undefined;
    if (fault !== undefined) throw refuse("its inputs and outputs", fault);
  };

  const load = (compiled: CompiledStage): Promise<ResidentStage> =>
    inOrder(async () => {
      const own = compiledBefore.get(compiled.stage.key);
      if (own === undefined) throw new HeddleError("device-failed", { where: id, detail: "the stage was compiled for another device" });
      const held = emulation.residency.type === "stream" ? 0 : own.weightBytes;
      memory.take(held, `stage ${own.stage.name}`);
      const began = nowNs();
      const resident = await inner.load(own.inner).catch((thrown) => {
        memory.give(held);
        throw thrown;
      });
      await reconfigureFor(resident, began);
      let released = false;
      return {
        compiled,
        loadNs: Math.round(nowNs() - began),
        run: async (inputs) => {
          // Asked before the drain, it is run, however long it waits.
          if (draining) throw new HeddleError("draining", { where: id });
          return inOrder(() => run(own, resident, inputs));
        },
        release: () =>
          inOrder(async () => {
            if (released) return;
            released = true;
            slots.forget(resident);
            memory.give(held);
            await resident.release();
          }),
      };
    });

  const reconfigureFor = async (resident: ResidentStage, began: number): Promise<void> => {
    if (emulation.residency.type !== "reconfigure" || !slots.configure(resident)) return;
    counts.reconfigurations += 1;
    await waitUntil(began + emulation.residency.reconfigureNs * emulation.slowdown);
  };

  const run = async (own: Compiled, resident: ResidentStage, inputs: Readonly<Record<string, DeviceTensor>>): Promise<StageRun> => {
    const { stage } = own;
    const sizes = sizesOfRun(stage, inputs, emulation.shapes);
    const padded = paddedSizes(stage, sizes, emulation.shapes);
    const given = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, tensors.innerOf(tensor)]));
    counts.runs += 1;
    if (counts.runs >= failAtRun) {
      counts.failures += 1;
      failure = new HeddleError("device-failed", { where: id, detail: `made to fail at run ${failAtRun}` });
      throw failure;
    }
    try {
      const compileNs = await compileCombination(own, sizes);
      const reconfigured = emulation.residency.type === "reconfigure" && slots.configure(resident);
      if (reconfigured) counts.reconfigurations += 1;
      const parts = runParts(device, stage, { sizes, padded, reconfigured, rates });
      const dueNs = nowNs() + sumOfParts(parts);
      const computed = await computeStage(inner, emulation, { stage, resident, inputs: given, sizes, padded });
      const endNs = Math.max(dueNs, nowNs());
      if (endNs > dueNs) counts.lateRuns += 1;
      filled.elements += computed.elements;
      filled.fillingElements += computed.fillingElements;
      const outputs = adoptAll(computed.outputs);
      await waitUntil(dueNs);
      return timed(outputs, parts, compileNs + endNs - dueNs);
    } catch (thrown) {
      counts.failures += 1;
      throw thrown;
    }
  };

  /** What it took. */
  const compileCombination = async (own: Compiled, sizes: Bindings): Promise<number> => {
    if (emulation.shapes.type !== "static" || own.combinations.has(textOfSizes(sizes))) return 0;
    own.combinations.add(textOfSizes(sizes));
    const began = nowNs();
    await waitUntil(began + emulation.compileNs);
    const tookNs = Math.round(nowNs() - began);
    counts.compileNs += tookNs;
    return tookNs;
  };

  /** Errors: `capacity`; none of them is there then. */
  const adoptAll = (made: Readonly<Record<string, DeviceTensor>>): Record<string, DeviceTensor> => {
    const adopted: Record<string, DeviceTensor> = {};
    const waiting = Object.entries(made);
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
        adopted[next[0]] = tensors.adopt(next[1], `output ${next[0]}`);
    } catch (thrown) {
      for (const tensor of Object.values(adopted)) tensors.free(tensor);
      for (const [, tensor] of waiting) inner.free(tensor);
      throw thrown;
    }
    return adopted;
  };

  /**
   * What the description does not account for is a wait: compiling, and computing that took the host longer than the run was to. How late a busy host
   * wakes up is no time of the device; the run is over when it was to be.
   */
  const timed = (outputs: StageRun["outputs"], parts: readonly RunPart[], waitNs: number): StageRun => {
    const all: readonly RunPart[] = waitNs > 0 ? [...parts, { what: "wait", ns: waitNs }] : parts;
    const busyNs = sumOfParts(all);
    counts.busyNs += busyNs;
    return { outputs, busyNs, parts: all };
  };

  return {
    describe: () => emulatedDescription(device, emulation, { memoryBytes, inner: inner.describe() }),
    supports,
    compile,
    load,
    upload: (tensor, options = {}) =>
      inOrder(async () => {
        const rows = Math.max(tensor.dims[0] ?? 1, options.capacity ?? 0);
        const room = tensorBytes({ type: tensor.type, dims: tensor.dims.length === 0 ? [] : [rows, ...tensor.dims.slice(1)] });
        refuseWithout(room, "a tensor");
        counts.uploadedBytes += tensorBytes(tensor);
        return tensors.adopt(await inner.upload(tensor, options), "a tensor");
      }),
    download: (tensor) =>
      inOrder(async () => {
        const host = await inner.download(tensors.innerOf(tensor));
        counts.downloadedBytes += host.data.length * ELEMENT_BYTES[host.type];
        return host;
      }),
    copy: (tensor) =>
      inOrder(async () => {
        refuseWithout(tensorBytes(tensor), "a copy");
        return tensors.adopt(await inner.copy(tensors.innerOf(tensor)), "a copy");
      }),
    append: (target, rows) =>
      inOrder(async () => {
        refuseWithout(tensorBytes(target) + tensorBytes(rows) - target.bytes, "a longer tensor");
        const made = await inner.append(tensors.innerOf(target), tensors.innerOf(rows));
        tensors.forget(target);
        return tensors.adopt(made, "a longer tensor");
      }),
    free: (tensor) => tensors.free(tensor),
    collective: (group, call, buffer) =>
      inOrder(async () => tensors.adopt(await inner.collective(group, call, tensors.innerOf(buffer)), `result of ${call.op}`)),
    estimate: (stage, sizes) => emulatedEstimate(device, stage, { sizes, supports }),
    telemetry: () => ({
      ...counts,
      heldBytes: memory.held().now,
      heldBytesMax: memory.held().most,
      paddedShare: filled.elements === 0 ? 0 : filled.fillingElements / filled.elements,
    }),
    drain: async () => {
      draining = true;
      await last;
      await inner.drain();
    },
    close: async () => {
      draining = true;
      await last;
      failure ??= new HeddleError("device-failed", { where: id, detail: "it was closed" });
      memory.reset();
      await inner.close();
    },
  };
}

import type { Bindings } from "../../graph/ir/expression.ts";
import { constantOf, symbolsOf, textOf } from "../../graph/ir/expression.ts";
import type { Program, StageModel } from "../../graph/program/program.ts";
import type { DeviceTensor, OpenDevice, ResidentStage, StageRun } from "../device/device-driver.ts";
import type { HostTensor } from "../device/tensor.ts";

/** A device that is looked at, what it is held against, and a way to open another one like it. */
export interface Subject {
  readonly device: OpenDevice;
  readonly reference: OpenDevice;
  /** Units: bytes of memory it may use. */
  readonly reopen: (memoryBytes: number) => Promise<OpenDevice>;
}

export type HostTensors = Readonly<Record<string, HostTensor>>;

export function wholeStage(program: Program): StageModel {
  return program.stage(program.graph.operators.map((_, id) => id));
}

/** Sizes of symbols that name an axis of an input. */
export function sizesIn(stage: StageModel, inputs: HostTensors): Bindings {
  const sizes: Record<string, number> = {};
  for (const { name, shape } of stage.inputs) {
    for (const [axis, size] of (shape ?? []).entries()) {
      const [symbol] = symbolsOf(size);
      if (constantOf(size) === undefined && symbol !== undefined && textOf(size) === symbol) sizes[symbol] ??= inputs[name]!.dims[axis]!;
    }
  }
  return sizes;
}

/** Compiles and loads a stage, and releases it when the work with it is done. */
export async function withStage<T>(
  device: OpenDevice,
  stage: StageModel,
  work: { readonly inputs: HostTensors; readonly use: (resident: ResidentStage) => Promise<T> },
): Promise<T> {
  const compiled = await device.compile(stage, { sizes: sizesIn(stage, work.inputs) });
  const resident = await device.load(compiled);
  try {
    return await work.use(resident);
  } finally {
    await resident.release();
  }
}

export interface HostRun {
  readonly outputs: HostTensors;
  readonly run: StageRun;
  /** From the call to its answer. Units: ns. */
  readonly wallNs: number;
}

const NS_PER_MS = 1_000_000;

/** One run from tensors of the host to tensors of the host; nothing is left on the device. */
export async function runOnce(device: OpenDevice, resident: ResidentStage, inputs: HostTensors): Promise<HostRun> {
  const there: Record<string, DeviceTensor> = {};
  try {
    for (const [name, tensor] of Object.entries(inputs)) there[name] = await device.upload(tensor);
    const began = performance.now();
    const run = await resident.run(there);
    const wallNs = (performance.now() - began) * NS_PER_MS;
    const outputs: Record<string, HostTensor> = {};
    try {
      for (const [name, tensor] of Object.entries(run.outputs)) outputs[name] = await device.download(tensor);
    } finally {
      for (const tensor of Object.values(run.outputs)) device.free(tensor);
    }
    return { outputs, run, wallNs };
  } finally {
    for (const tensor of Object.values(there)) device.free(tensor);
  }
}

/** Outputs of one run of a stage that is loaded for it. */
export async function computed(device: OpenDevice, stage: StageModel, inputs: HostTensors): Promise<HostTensors> {
  return withStage(device, stage, { inputs, use: async (resident) => (await runOnce(device, resident, inputs)).outputs });
}

/** Why the device does not take a stage; undefined where it does. */
export function refusal(device: OpenDevice, { graph, operators }: StageModel): string | undefined {
  for (const id of operators) {
    const support = device.supports(graph, id);
    if (!support.ok) return `${graph.operators[id]!.type}: ${support.reason}`;
  }
  return undefined;
}

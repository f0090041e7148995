/** Devices that do one thing wrong, around one that does it right: every check of `validate-device` must find its own. */

import { HeddleError } from "../../src/base/heddle-error.ts";
import type { DeviceTensor, OpenDevice, ResidentStage, StageRun } from "../../src/execute/device/device-driver.ts";
import type { HostTensor } from "../../src/execute/device/tensor.ts";
import type { CheckName } from "../../src/execute/validate/finding.ts";

export interface DeviceFault {
  readonly name: string;
  /** The check that must fail. */
  readonly check: CheckName;
  /** Part of the name of a finding that must fail. */
  readonly finding: string;
  readonly wrap: (device: OpenDevice) => OpenDevice;
}

type Outputs = Readonly<Record<string, HostTensor>>;

/** A device whose stages give something else. `alter` is told the outputs, the inputs and how many runs there were before. */
function alteredRuns(alter: (outputs: Outputs, inputs: Outputs, runs: number) => Outputs): (device: OpenDevice) => OpenDevice {
  return (device) => {
    let runs = 0;
    const run = async (resident: ResidentStage, inputs: Readonly<Record<string, DeviceTensor>>): Promise<StageRun> => {
      const done = await resident.run(inputs);
      const given = await allDown(device, inputs);
      const outputs = alter(await allDown(device, done.outputs), given, runs++);
      for (const tensor of Object.values(done.outputs)) device.free(tensor);
      const made: Record<string, DeviceTensor> = {};
      for (const [name, tensor] of Object.entries(outputs)) made[name] = await device.upload(tensor);
      return { ...done, outputs: made };
    };
    return { ...device, load: async (compiled) => withRun(await device.load(compiled), run) };
  };
}

function withRun(
  resident: ResidentStage,
  run: (resident: ResidentStage, inputs: Readonly<Record<string, DeviceTensor>>) => Promise<StageRun>,
): ResidentStage {
  return { ...resident, run: (inputs) => run(resident, inputs) };
}

async function allDown(device: OpenDevice, tensors: Readonly<Record<string, DeviceTensor>>): Promise<Outputs> {
  const down: Record<string, HostTensor> = {};
  for (const [name, tensor] of Object.entries(tensors)) down[name] = await device.download(tensor);
  return down;
}

function floatsChanged(outputs: Outputs, change: (value: number, at: number) => number): Outputs {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, tensor]) => [
      name,
      tensor.data instanceof Float32Array ? { ...tensor, data: tensor.data.map((value, at) => change(value, at)) } : tensor,
    ]),
  );
}

function alteredTimes(change: (run: StageRun) => Pick<StageRun, "busyNs" | "parts">): (device: OpenDevice) => OpenDevice {
  return (device) => ({
    ...device,
    load: async (compiled) =>
      withRun(await device.load(compiled), async (resident, inputs) => {
        const done = await resident.run(inputs);
        return { ...done, ...change(done) };
      }),
  });
}

export const DEVICE_FAULTS: readonly DeviceFault[] = [
  {
    name: "results a little too large",
    check: "operators",
    finding: "MatMul",
    wrap: alteredRuns((outputs) => floatsChanged(outputs, (value) => value * 1.001)),
  },
  {
    name: "one wrong element at an odd place",
    check: "operators",
    finding: "Gemm",
    wrap: alteredRuns((outputs) => floatsChanged(outputs, (value, at) => (at === 2 ? value + 0.5 : value))),
  },
  {
    name: "no number where one should be",
    check: "operators",
    finding: "Tanh",
    wrap: alteredRuns((outputs) => floatsChanged(outputs, (value, at) => (at === 0 ? NaN : value))),
  },
  {
    name: "a convolution a little off in a model",
    check: "model",
    finding: "Conv",
    wrap: alteredRuns((outputs) => floatsChanged(outputs, (value, at) => (at === 1 ? value + 0.01 : value))),
  },
  {
    name: "a residual stream that drifts",
    check: "tokens",
    finding: "tiny",
    wrap: alteredRuns((outputs) => floatsChanged(outputs, (value, at) => value * (at % 3 === 0 ? 3 : 1))),
  },
  {
    name: "operators accepted that do not compile",
    check: "operators",
    finding: "Softmax",
    wrap: (device) => ({
      ...device,
      compile: async (stage, options) => {
        if (stage.graph.operators.some(({ type }) => type === "Softmax"))
          throw new HeddleError("stage-unsupported", { detail: "after all" });
        return device.compile(stage, options);
      },
    }),
  },
  {
    name: "results that change from run to run",
    check: "determinism",
    finding: "MatMul",
    wrap: alteredRuns((outputs, _inputs, runs) => floatsChanged(outputs, (value) => (runs % 2 === 0 ? value : value * (1 + 1e-7) + 1e-7))),
  },
  {
    name: "rows that feel how many there are",
    check: "batch",
    finding: "MatMul",
    wrap: alteredRuns((outputs, inputs) => {
      const rows = Object.values(inputs)[0]?.dims[0] ?? 1;
      return floatsChanged(outputs, (value) => value * (1 + (rows === 1 ? 1e-3 : 0)));
    }),
  },
  {
    name: "a memory without limit",
    check: "memory",
    finding: "limit",
    wrap: (device) => ({ ...device, upload: async (tensor) => fake(device, tensor) }),
  },
  {
    name: "a full memory under another name",
    check: "memory",
    finding: "limit",
    wrap: (device) => ({
      ...device,
      upload: (tensor, options) =>
        device.upload(tensor, options).catch(() => {
          throw new HeddleError("device-failed", { detail: "out of memory" });
        }),
    }),
  },
  {
    name: "memory that is not counted",
    check: "memory",
    finding: "counting",
    wrap: (device) => ({ ...device, telemetry: () => ({ ...device.telemetry(), heldBytes: 0 }) }),
  },
  {
    name: "stages that are not let go",
    check: "memory",
    finding: "leaks",
    wrap: (device) => ({ ...device, load: async (compiled) => ({ ...(await device.load(compiled)), release: async () => {} }) }),
  },
  {
    name: "wrong inputs under another name",
    check: "failure",
    finding: "an input of another type",
    wrap: (device) => ({
      ...device,
      load: async (compiled) =>
        withRun(await device.load(compiled), (resident, inputs) =>
          resident.run(inputs).catch(() => {
            throw new HeddleError("device-failed", { detail: "oops" });
          }),
        ),
    }),
  },
  {
    name: "every operator said to be supported",
    check: "failure",
    finding: "Unheard",
    wrap: (device) => ({ ...device, supports: () => ({ ok: true }) }),
  },
  {
    name: "refusals without a reason",
    check: "failure",
    finding: "Unheard",
    wrap: (device) => ({ ...device, supports: (graph, id) => (device.supports(graph, id).ok ? { ok: true } : { ok: false, reason: "" }) }),
  },
  {
    name: "drains that stop nothing",
    check: "failure",
    finding: "a run after drain",
    wrap: (device) => ({ ...device, drain: async () => {} }),
  },
  {
    name: "more time than there was",
    check: "speed",
    finding: "times",
    wrap: alteredTimes(({ busyNs }) => ({ busyNs: busyNs * 1000 + 1e9, parts: [] })),
  },
  {
    name: "parts that do not add up",
    check: "speed",
    finding: "times",
    wrap: alteredTimes(({ busyNs }) => ({ busyNs, parts: [{ what: "compute", ns: busyNs / 2 - 1000 }] })),
  },
  {
    name: "times too short for the figures",
    check: "speed",
    finding: "operations",
    wrap: alteredTimes(({ busyNs }) => ({ busyNs: busyNs / 10_000, parts: [] })),
  },
];

/** A tensor that takes no room. */
function fake(device: OpenDevice, tensor: HostTensor): Promise<DeviceTensor> {
  return device.upload({ ...tensor, dims: tensor.dims.map((size) => Math.min(size, 1)), data: tensor.data.slice(0, 1) });
}

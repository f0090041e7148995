/** Devices that break one promise each, made by wrapping one that keeps all: the checks must find every one. */
import type { DeviceTensor, OpenDevice, ResidentStage } from "../../src/execute/device/device-driver.ts";
import type { HostTensor } from "../../src/execute/device/tensor.ts";
import type { DeviceCheck } from "./device-checks.ts";

export interface DeviceFault {
  readonly check: DeviceCheck;
  readonly fault: string;
  readonly wrap: (device: OpenDevice) => OpenDevice;
}

function changed(change: (device: OpenDevice) => Partial<OpenDevice>): (device: OpenDevice) => OpenDevice {
  return (device) => ({ ...device, ...change(device) });
}

function residents(change: (resident: ResidentStage, device: OpenDevice) => Partial<ResidentStage>): (device: OpenDevice) => OpenDevice {
  return changed((device) => ({
    load: async (compiled) => {
      const resident = await device.load(compiled);
      return { ...resident, ...change(resident, device) };
    },
  }));
}

/** The last element is one bit off. */
function spoiled({ type, dims, data }: HostTensor): HostTensor {
  const copy = data.slice();
  const bytes = new Uint8Array(copy.buffer);
  if (bytes.length > 0) bytes[bytes.length - 2 < 0 ? 0 : bytes.length - 2]! ^= 1;
  return { type, dims, data: copy };
}

export const DEVICE_FAULTS: readonly DeviceFault[] = [
  {
    check: "describes itself",
    fault: "the memory is another than it was opened with",
    wrap: changed((device) => ({
      describe: () => ({ ...device.describe(), memory: { ...device.describe().memory, capacityBytes: 1 } }),
    })),
  },
  {
    check: "compiles what it accepts, and says why it refuses the rest",
    fault: "everything is accepted",
    wrap: changed(() => ({ supports: () => ({ ok: true }) })),
  },
  {
    check: "compiles what it accepts, and says why it refuses the rest",
    fault: "no reason is given",
    wrap: changed((device) => ({
      supports: (graph, id) => (device.supports(graph, id).ok ? { ok: true } : { ok: false, reason: "" }),
    })),
  },
  {
    check: "keeps compiled stages by content",
    fault: "every compilation has a key of its own",
    wrap: changed((device) => {
      let count = 0;
      return { compile: async (stage) => ({ ...(await device.compile(stage)), key: `${count++}` }) };
    }),
  },
  {
    check: "keeps compiled stages by content",
    fault: "all stages have one key",
    wrap: changed((device) => ({ compile: async (stage) => ({ ...(await device.compile(stage)), key: "stage" }) })),
  },
  {
    check: "gives known answers",
    fault: "the last element of a result is a bit off",
    wrap: changed((device) => ({ download: async (tensor) => spoiled(await device.download(tensor)) })),
  },
  {
    check: "runs a stage again and again, beside another",
    fault: "a stage runs once",
    wrap: residents((resident) => {
      let ran = false;
      return {
        run: async (inputs) => {
          const run = await resident.run(inputs);
          const outputs = ran ? {} : run.outputs;
          ran = true;
          return { ...run, outputs };
        },
      };
    }),
  },
  {
    check: "runs a stage again and again, beside another",
    fault: "parts do not add up to the time",
    wrap: residents((resident) => ({ run: async (inputs) => ({ ...(await resident.run(inputs)), parts: [{ what: "wait", ns: -1 }] }) })),
  },
  {
    check: "takes and gives tensors of every type it holds",
    fault: "wide integers lose their upper half",
    wrap: changed((device) => ({
      download: async (tensor) => {
        const host = await device.download(tensor);
        return host.data instanceof BigInt64Array ? { ...host, data: host.data.map((value) => value << 32n) } : host;
      },
    })),
  },
  {
    check: "refuses wrong inputs before anything runs",
    fault: "a missing input is left out",
    wrap: residents((resident) => ({
      run: (inputs) =>
        resident.run(inputs).catch((error: { code?: string }) => {
          if (error.code === "input-invalid") return { outputs: {}, busyNs: 0, parts: [] };
          throw error;
        }),
    })),
  },
  {
    check: "grows, copies and hands back state",
    fault: "appended rows are lost",
    wrap: changed(() => ({ append: async (target) => target })),
  },
  {
    check: "grows, copies and hands back state",
    fault: "a copy is the tensor itself",
    wrap: changed(() => ({ copy: async (tensor) => tensor })),
  },
  {
    check: "grows, copies and hands back state",
    fault: "nothing is freed",
    wrap: changed(() => ({ free: () => {} })),
  },
  {
    check: "gives all members of a gang the same result of a collective",
    fault: "a member keeps its own",
    wrap: changed((device) => ({ collective: async (_group, _call, buffer) => device.copy(buffer) })),
  },
  {
    check: "computes as f64 does, within rounding, whatever a row's neighbours are",
    fault: "results are rounded to few bits",
    wrap: changed((device) => ({
      download: async (tensor) => {
        const host = await device.download(tensor);
        if (!(host.data instanceof Float32Array)) return host;
        const bits = new Uint32Array(host.data.slice().buffer).map((word) => word & 0xffff_0000);
        return { ...host, data: new Float32Array(bits.buffer) };
      },
    })),
  },
  {
    check: "computes as f64 does, within rounding, whatever a row's neighbours are",
    fault: "neighbours move a row",
    wrap: residents((resident, device) => ({
      run: async (inputs) => {
        const { outputs, ...rest } = await resident.run(inputs);
        const moved: Record<string, DeviceTensor> = {};
        for (const [name, tensor] of Object.entries(outputs)) {
          const host = await device.download(tensor);
          const by = 1 + ((host.dims[0] ?? 1) - 1) * 0.001;
          moved[name] = await device.upload({ ...host, data: (host.data as Float32Array).map((value) => value * by) });
        }
        return { ...rest, outputs: moved };
      },
    })),
  },
  {
    check: "estimates with an interval, or says why not",
    fault: "it says nothing",
    wrap: changed(() => ({ estimate: () => ({ noBasis: "" }) })),
  },
  {
    check: "estimates with an interval, or says why not",
    fault: "the interval is upside down",
    wrap: changed(() => ({ estimate: () => ({ valueNs: 5, lowNs: 9, highNs: 1, basis: "measured", source: "a guess" }) })),
  },
  {
    check: "counts what it does",
    fault: "runs are counted twice",
    wrap: changed((device) => ({ telemetry: () => ({ ...device.telemetry(), runs: 2 * device.telemetry().runs }) })),
  },
  {
    check: "counts what it does",
    fault: "results are brought to the host unasked",
    wrap: residents((resident, device) => ({
      run: async (inputs) => {
        const run = await resident.run(inputs);
        for (const tensor of Object.values(run.outputs)) await device.download(tensor);
        return run;
      },
    })),
  },
  {
    check: "holds no more than its memory",
    fault: "an upload beyond it is taken",
    wrap: changed((device) => ({
      upload: (tensor, options) => device.upload(tensor, options).catch(() => ({ type: tensor.type, dims: tensor.dims, bytes: 0 })),
    })),
  },
  {
    check: "drains: what runs ends, later runs are refused",
    fault: "draining does nothing",
    wrap: changed(() => ({ drain: async () => {} })),
  },
  {
    check: "ends every call after a failure, and no other device's",
    fault: "a failure is told as something else",
    wrap: residents((resident) => ({
      run: (inputs) =>
        resident.run(inputs).catch(() => {
          throw new TypeError("it went wrong");
        }),
    })),
  },
  {
    check: "frees everything when it is closed",
    fault: "closing does nothing",
    wrap: changed(() => ({ close: async () => {} })),
  },
];

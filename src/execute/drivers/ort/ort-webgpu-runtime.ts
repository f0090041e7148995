import type { InferenceSession, Tensor } from "onnxruntime-node";
import type { OnnxModel } from "../../../graph/onnx/builder.ts";
import type { HostTensor, TensorType } from "../../device/tensor.ts";
import { bytesOfTensor } from "../../device/tensor-arrays.ts";
import { held } from "../shared/host-memory.ts";
import { one } from "../shared/identity-model.ts";
import type { NativeMemory, NativeRuntime, NativeSession, NativeTensor } from "../shared/native-runtime.ts";
import { hostTensorOf, typeOfPackage } from "../shared/package-tensors.ts";
import { computedWrongly } from "./computed-wrongly.ts";
import { tryModel } from "./ort-binding.ts";
import { feedOf, type Ort, outputTypes, partsElsewhere, sessionOptions, withData } from "./ort-device-runtime.ts";

/** A tensor in a buffer of the GPU. */
interface GpuHeld extends NativeTensor {
  readonly tensor: Tensor;
  readonly maker: Maker;
}

/** A session and the tensors it made that are still there: their buffers are its own, so it goes when the last of them has gone. */
interface Maker {
  readonly session: InferenceSession;
  tensors: number;
  released: boolean;
}

/** Element types of buffers that the package knows; f16 only where the adapter computes with it. Source: onnxruntime-common, `fromGpuBuffer`. */
const BUFFER_TYPES: readonly TensorType[] = ["f32", "f16", "i32", "u32", "i64", "u8", "bool"];

const LOG_NOTHING = 4;

/** The operators that move tensors of the types the provider has no kernels for run on the CPU beside it: what they copy is counted. */
const MOVERS: InferenceSession.SessionOptions = { ...sessionOptions("webgpu", 1), extra: {} };

/** ONNX Runtime's WebGPU provider: tensors stay in buffers of the GPU from run to run. */
export async function ortWebgpuRuntime(ort: Ort): Promise<NativeRuntime<GpuHeld>> {
  // What it refuses comes back as an error; it need not be printed as well.
  const options = {
    ...sessionOptions("webgpu", 1),
    preferredOutputLocation: "gpu-buffer" as const,
    logSeverityLevel: LOG_NOTHING,
  } as const;
  const refusal = (model: OnnxModel): string | undefined => tryModel(model, options);
  const movers = gpuMovers(ort);
  const elsewhere = partsElsewhere("webgpu");
  const withHalves = refusal(one("Relu", "f32")) === undefined && (await joinsHalves(ort));
  return {
    version: ort.env.versions.node ?? "unknown",
    name: "webgpu",
    ownMemory: true,
    types: new Set(BUFFER_TYPES.filter((type) => type !== "f16" || withHalves)),
    createSession: async (model) => gpuSession(await ort.InferenceSession.create(model.model, withData(options, model)), movers),
    refusal,
    apart: (operator, graph) => elsewhere(operator) ?? computedWrongly(operator, graph),
    memory: movers.memory,
    isFatal: (message) => /device (is |was )?lost|Device lost|instance (is |was )?dropped/i.test(message),
    close: movers.close,
  };
}

let halves: Promise<boolean> | undefined;

/** Whether the adapter computes with halves; asked once a process. Shaders with halves fail when they are first run. */
function joinsHalves(ort: Ort): Promise<boolean> {
  halves ??= tryHalves(ort);
  return halves;
}

async function tryHalves(ort: Ort): Promise<boolean> {
  const join = await ort.InferenceSession.create(one("Add", "f16", { inputs: 2 }).model, { ...MOVERS, logSeverityLevel: LOG_NOTHING });
  const half = feedOf(ort, held({ type: "f16", dims: [1], data: new Uint16Array(1) }));
  const joined = await join.run({ x0: half, x1: half }).catch(() => undefined);
  await join.release();
  return joined !== undefined;
}

interface GpuMovers {
  readonly memory: NativeMemory<GpuHeld>;
  /** Ends when all work that was handed over has been done. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

/** Copies between host and GPU as models of one operator: the package itself has no call that works in Node for either way. */
function gpuMovers(ort: Ort): GpuMovers {
  const sessions = new Map<string, Promise<Maker>>();
  const session = (kind: "in" | "out" | "join", type: TensorType): Promise<Maker> => {
    const key = `${kind} ${type}`;
    const known = sessions.get(key);
    if (known !== undefined) return known;
    const model = kind === "join" ? one("Concat", type, { inputs: 2, axis: 0 }) : one("Identity", type);
    const location = kind === "out" ? "cpu" : "gpu-buffer";
    const made = ort.InferenceSession.create(model.model, { ...MOVERS, preferredOutputLocation: location }).then(makerOf);
    sessions.set(key, made);
    return made;
  };
  const through = async (kind: "in" | "join", type: TensorType, feeds: Record<string, Tensor>): Promise<GpuHeld> => {
    const maker = await session(kind, type);
    return gpuHeld((await maker.session.run(feeds))["y"]!, maker);
  };
  const upload = (tensor: HostTensor): Promise<GpuHeld> => through("in", tensor.type, { x0: feedOf(ort, held(tensor)) });
  const download = async ({ type, tensor }: GpuHeld): Promise<HostTensor> =>
    hostTensorOf((await (await session("out", type)).session.run({ x0: tensor }))["y"]!);
  let fence: GpuHeld | undefined;
  let hidden = 0;
  return {
    settle: async () => {
      fence ??= await upload({ type: "f32", dims: [1], data: new Float32Array(1) });
      await download(fence);
    },
    close: async () => {
      if (fence !== undefined) dispose(fence);
      for (const made of sessions.values()) await release(await made);
      sessions.clear();
    },
    memory: {
      uploadBytes: bytesOfTensor,
      upload,
      download,
      copy: ({ type, tensor }) => through("in", type, { x0: tensor }),
      appendBytes: (target, rows) => target.bytes + rows.bytes,
      append: async (target, rows) => {
        const joined = await through("join", target.type, { x0: target.tensor, x1: rows.tensor });
        if (!ON_DEVICE.has(target.type)) hidden += joined.bytes;
        dispose(target);
        return joined;
      },
      free: dispose,
      takeHiddenBytes: () => {
        const bytes = hidden;
        hidden = 0;
        return bytes;
      },
    },
  };
}

/** Types whose rows the provider joins itself. */
const ON_DEVICE: ReadonlySet<TensorType> = new Set(["f32", "f16", "i32", "u32"]);

function gpuSession(session: InferenceSession, movers: GpuMovers): NativeSession {
  const maker = makerOf(session);
  return {
    outputs: outputTypes(session),
    run: async (feeds) => {
      const given = Object.fromEntries(Object.entries(feeds).map(([name, native]) => [name, (native as GpuHeld).tensor]));
      const outputs = await session.run(given);
      // The call returns when the work is handed over, which is no time to tell.
      await movers.settle();
      return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, gpuHeld(tensor, maker)]));
    },
    release: () => release(maker),
  };
}

function makerOf(session: InferenceSession): Maker {
  return { session, tensors: 0, released: false };
}

function gpuHeld(tensor: Tensor, maker: Maker): GpuHeld {
  const type = typeOfPackage(tensor.type)!;
  maker.tensors++;
  return { type, dims: tensor.dims, bytes: bytesOfTensor({ type, dims: tensor.dims }), tensor, maker };
}

function dispose({ tensor, maker }: GpuHeld): void {
  tensor.dispose();
  maker.tensors--;
  if (maker.released && maker.tensors === 0) void maker.session.release().catch(() => undefined);
}

async function release(maker: Maker): Promise<void> {
  maker.released = true;
  if (maker.tensors === 0) await maker.session.release();
}

import { must } from "../../../base/assert.ts";
import { HeddleError } from "../../../base/heddle-error.ts";
import type { OpenvinoApi, Out } from "./api.ts";
import { CODES } from "./element-types.ts";
import { type NativeHandle, nativeHandle, type Pointer } from "./native-handle.ts";

/** OpenVINO, opened in this thread: reads graphs and compiles them for its devices. */
export interface OpenvinoCore {
  readonly api: OpenvinoApi;
  /** For example `2026.4.1`. */
  readonly version: string;
  /** As the library names them: `CPU`, `GPU`, `GPU.1`, `NPU`. */
  devices(): readonly string[];
  /** A property of a device as text. Errors: `device-failed`. */
  property(device: string, key: string): string;
  /** Compiles a graph (ONNX protobuf or IR). What `weights` names by address must outlive the result. Errors: `device-failed`. */
  compile(graph: Uint8Array, device: string, properties: Readonly<Record<string, string>>, beside?: CompileBeside): NativeHandle;
  /** Writes a compiled graph to a file. Errors: `device-failed`. */
  exported(compiled: NativeHandle, path: string): void;
  /** A compiled graph from what was written; the bytes must outlive it. Errors: `device-failed` where they are no such file of this library. */
  imported(blob: Uint8Array, device: string, properties: Readonly<Record<string, string>>): NativeHandle;
  release(): void;
}

export interface CompileBeside {
  /** Bytes that constants of an IR lie in; they must outlive the result. */
  readonly weights?: Uint8Array;
  /** Changes the graph after it was read. */
  readonly change?: (model: Pointer) => void;
}

export function openCore(api: OpenvinoApi): OpenvinoCore {
  const core = nativeHandle(
    "core",
    madeBy<Pointer>(api, "starting OpenVINO", (out) => api.coreCreate(out)),
    api.coreFree,
  );
  const version: { buildNumber?: string } = {};
  check(api, "asking for the version", api.version(version));
  return {
    api,
    version: /^\d+(?:\.\d+)*/.exec(version.buildNumber ?? "")?.[0] ?? "unknown",
    devices: () => availableDevices(api, core.pointer()),
    property: (device, key) => {
      const text = madeBy<Pointer>(api, `asking ${device} for ${key}`, (out) => api.coreGetProperty(core.pointer(), device, key, out));
      const value = api.textAt(text);
      api.freeText(text);
      return value;
    },
    compile: (graph, device, properties, { weights, change } = {}) => {
      const data = weights && nativeHandle("weights", weightTensor(api, weights), api.tensorFree);
      const at = data?.pointer() ?? null;
      const read = madeBy<Pointer>(api, "reading a graph", (out) => api.readModel(core.pointer(), graph, graph.byteLength, at, out));
      const model = nativeHandle("model", read, api.modelFree);
      try {
        change?.(model.pointer());
        const pairs = Object.entries(properties).flatMap(([key, value]) => ["str", key, "str", value]);
        const compile = (out: Out<Pointer | null>): number =>
          api.compile(core.pointer(), model.pointer(), device, pairs.length / 2, out, ...pairs);
        return nativeHandle("compiled graph", madeBy<Pointer>(api, `compiling for ${device}`, compile), api.compiledFree);
      } finally {
        model.free();
        data?.free();
      }
    },
    exported: (compiled, path) => check(api, "storing a compiled graph", api.exportModel(compiled.pointer(), path)),
    imported: (blob, device, properties) => {
      // The call takes no properties of its own: the graph gets those of the device.
      for (const [key, value] of Object.entries(properties))
        check(api, `setting ${key} of ${device}`, api.coreSetProperty(core.pointer(), device, "str", key, "str", value));
      const load = (out: Out<Pointer | null>): number => api.importModel(core.pointer(), blob, blob.byteLength, device, out);
      return nativeHandle("compiled graph", madeBy<Pointer>(api, "loading a stored graph", load), api.compiledFree);
    },
    release: () => core.free(),
  };
}

function weightTensor(api: OpenvinoApi, weights: Uint8Array): Pointer {
  const shape = { rank: 1, dims: BigInt64Array.of(BigInt(weights.byteLength)) };
  return madeBy<Pointer>(api, "wrapping weights", (out) => api.tensorOf(CODES.u8, shape, weights, out));
}

function availableDevices(api: OpenvinoApi, core: Pointer): readonly string[] {
  const list: { devices?: Pointer; size?: number } = {};
  check(api, "listing devices", api.availableDevices(core, list));
  const names = api.pointersAt(must(list.devices, "a list of devices"), Number(list.size)).map((text) => api.textAt(text));
  api.availableDevicesFree(list);
  return names;
}

/** What a function wrote where its result goes. Errors: `device-failed` with the library's message. */
export function madeBy<T>(api: OpenvinoApi, what: string, call: (out: Out<T | null>) => number): T {
  const out: Out<T | null> = [null];
  check(api, what, call(out));
  return must(out[0] ?? undefined, "a call that succeeds gives its result");
}

/** Errors: `device-failed` with the library's message. */
export function check(api: OpenvinoApi, what: string, status: number): void {
  if (status === 0) return;
  throw new HeddleError("device-failed", { where: `openvino, ${what}`, detail: messageOf(api, status) });
}

/** Lines of the library's message that name its source files and checks, where others say what was wrong. */
const INTERNAL =
  /^(?:Exception from src\/|Check '.*' failed at src\/|FrontEnd API failed with|Model wasn't fully converted|Summary:|To facilitate the conversion)/;

function messageOf(api: OpenvinoApi, status: number): string {
  const lines = (api.lastError() ?? "").split("\n").map((line) => line.trim().replace(/^(?:Unexpected: |-- )/, ""));
  const all = lines.filter((line) => line !== "" && !line.startsWith("Exception from src/"));
  const told = all.filter((line) => !INTERNAL.test(line));
  const kept = told.length === 0 ? all : told;
  return kept.length === 0 ? `status ${status}` : kept.join("; ").slice(0, 2000);
}

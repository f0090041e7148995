import { assert } from "../../../base/assert.ts";
import type { OpenvinoApi } from "./api.ts";
import { check, madeBy, type OpenvinoCore } from "./core.ts";
import { type NativeHandle, nativeHandle, type Pointer } from "./native-handle.ts";

/** Data for an input, where it lies: not copied, not moved and not freed while a run reads it. */
export interface NativeInput {
  /** Code of `ov_element_type_e`. */
  readonly type: number;
  readonly data: ArrayBufferView;
  readonly dims: readonly number[];
}

/** What a run gave, in the library's memory: valid until the next run or the release. */
export interface NativeOutput {
  readonly type: number;
  readonly dims: readonly number[];
  readonly bytes: Uint8Array;
}

/** A compiled graph with one infer request. */
export interface LoadedGraph {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Codes of `ov_element_type_e`. */
  readonly outputTypes: readonly number[];
  /** Runs it beside the JS thread; one run at a time. Errors: `device-failed`. */
  run(inputs: Readonly<Record<string, NativeInput>>): Promise<Readonly<Record<string, NativeOutput>>>;
  /** As `run`, in this thread, which it keeps until the end. */
  runHere(inputs: Readonly<Record<string, NativeInput>>): Readonly<Record<string, NativeOutput>>;
  /** Lets go of the inputs of the last run, which are otherwise kept for a next run with the same ones. */
  forgetInputs(): void;
  release(): void;
}

/** Loads a graph; `keep` is what it reads weights from, referred to as long as it may. Errors: `device-failed`. */
export function loadGraph(
  core: OpenvinoCore,
  graph: { readonly bytes: Uint8Array; readonly keep: readonly unknown[] },
  target: { readonly device: string; readonly properties: Readonly<Record<string, string>> },
): LoadedGraph {
  return graphOf(core, core.compile(graph.bytes, target.device, target.properties), graph.keep);
}

/** A compiled graph with a request of its own; takes it over. Errors: `device-failed`. */
export function graphOf({ api }: OpenvinoCore, compiled: NativeHandle, kept: readonly unknown[]): LoadedGraph {
  const made = (): NativeHandle => {
    const pointer = madeBy<Pointer>(api, "making a request", (out) => api.request(compiled.pointer(), out));
    return nativeHandle("infer request", pointer, api.requestFree);
  };
  let request: NativeHandle;
  try {
    request = made();
  } catch (thrown) {
    compiled.free();
    throw thrown;
  }
  const bound: BoundInput[] = [];
  let keep: readonly unknown[] | undefined = kept;
  let running = false;
  const inputs = ports(api, compiled.pointer(), "input").map(({ name }) => name);
  const given = ports(api, compiled.pointer(), "output");
  const outputs = given.map(({ name }) => name);
  const forgetInputs = (): void => {
    for (const input of bound) input?.tensor.free();
    bound.length = 0;
  };
  const bindAll = (values: Readonly<Record<string, NativeInput>>): void => {
    assert(!running && keep !== undefined, "a graph runs once at a time, until its release");
    inputs.forEach((name, index) => {
      const input = values[name];
      assert(input !== undefined, "every input is given", { name });
      bind(api, request.pointer(), { bound, index, input });
    });
  };
  const found = (): Readonly<Record<string, NativeOutput>> =>
    Object.fromEntries(outputs.map((name, index) => [name, readOutput(api, request.pointer(), index)]));
  return {
    inputs,
    outputs,
    outputTypes: given.map(({ type }) => type),
    forgetInputs,
    run: async (values) => {
      bindAll(values);
      running = true;
      try {
        await inferBeside(api, request.pointer());
        return found();
      } finally {
        running = false;
      }
    },
    runHere: (values) => {
      bindAll(values);
      check(api, "running a graph", api.infer(request.pointer()));
      return found();
    },
    release: () => {
      assert(!running, "a graph is released when nothing runs");
      request.free();
      compiled.free();
      forgetInputs();
      keep = undefined;
    },
  };
}

/** An input as it was last handed over: a run with the same memory and shape needs no new tensor. */
interface BoundInput {
  readonly data: ArrayBufferView;
  readonly dims: readonly number[];
  readonly tensor: NativeHandle;
}

function bind(
  api: OpenvinoApi,
  request: Pointer,
  { bound, index, input }: { bound: BoundInput[]; index: number; input: NativeInput },
): void {
  const before = bound[index];
  const { data, dims } = input;
  if (before !== undefined && sameMemory(before.data, data) && sameDims(before.dims, dims)) {
    // The array may be another view of the same memory: the newest is what is kept alive.
    bound[index] = { ...before, data };
    return;
  }
  const shape = { rank: dims.length, dims: BigInt64Array.from(dims, BigInt) };
  const made = madeBy<Pointer>(api, "wrapping an input", (out) => api.tensorOf(input.type, shape, addressable(data), out));
  const tensor = nativeHandle("tensor", made, api.tensorFree);
  try {
    check(api, "setting an input", api.setInput(request, index, tensor.pointer()));
  } catch (thrown) {
    tensor.free();
    throw thrown;
  }
  bound[index] = { data, dims, tensor };
  before?.tensor.free();
}

/** An empty array has no address, but a tensor of no elements still wants one. */
const NOTHING = new Uint8Array(64);

function addressable(data: ArrayBufferView): ArrayBufferView {
  return data.byteLength === 0 ? NOTHING : data;
}

function sameMemory(a: ArrayBufferView, b: ArrayBufferView): boolean {
  return a.buffer === b.buffer && a.byteOffset === b.byteOffset;
}

function sameDims(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

function inferBeside(api: OpenvinoApi, request: Pointer): Promise<void> {
  return new Promise((resolve, reject) => {
    api.infer.async(request, (error: unknown, status: number) => {
      try {
        if (error !== null && error !== undefined) throw error;
        check(api, "running a graph", status);
        resolve();
      } catch (thrown) {
        reject(thrown);
      }
    });
  });
}

function readOutput(api: OpenvinoApi, request: Pointer, index: number): NativeOutput {
  const made = madeBy<Pointer>(api, "reading an output", (out) => api.getOutput(request, index, out));
  const tensor = nativeHandle("tensor", made, api.tensorFree);
  try {
    const at = tensor.pointer();
    const bytes = numberOf(api, (out) => api.tensorBytes(at, out));
    const type = numberOf(api, (out) => api.tensorType(at, out));
    const dims = shapeOf(api, at);
    if (bytes === 0) return { type, dims, bytes: new Uint8Array(0) };
    const data = madeBy<Pointer>(api, "reading an output", (out) => api.tensorData(at, out));
    return { type, dims, bytes: new Uint8Array(api.view(data, bytes)) };
  } finally {
    tensor.free();
  }
}

/** `INVALID_C_PARAM` of `ov_status_e`. Source: openvino/c/ov_common.h, 2026.4. */
const NO_SHAPE = -14;

/** The library's call for a shape refuses to make one of no dimensions: so it answers for a scalar. */
function shapeOf(api: OpenvinoApi, tensor: Pointer): readonly number[] {
  const shape: { rank?: number; dims?: Pointer } = {};
  const status = api.tensorShape(tensor, shape);
  if (status === NO_SHAPE && numberOf(api, (out) => api.tensorElements(tensor, out)) === 1) return [];
  check(api, "reading the shape of an output", status);
  const rank = Number(shape.rank);
  const dims = rank === 0 ? [] : [...new BigInt64Array(api.view(shape.dims!, rank * 8))].map(Number);
  api.shapeFree(shape);
  return dims;
}

function numberOf(api: OpenvinoApi, call: (out: [number]) => number): number {
  const out: [number] = [0];
  check(api, "reading an output", call(out));
  return Number(out[0]);
}

interface Port {
  readonly name: string;
  readonly type: number;
}

function ports(api: OpenvinoApi, compiled: Pointer, side: "input" | "output"): readonly Port[] {
  const count = numberOf(api, (out) => (side === "input" ? api.inputs(compiled, out) : api.outputs(compiled, out)));
  const portAt = side === "input" ? api.inputPort : api.outputPort;
  return Array.from({ length: count }, (_, index) => {
    const port = madeBy<Pointer>(api, "reading a port", (out) => portAt(compiled, index, out));
    try {
      const text = madeBy<Pointer>(api, "reading a port", (out) => api.portName(port, out));
      const name = api.textAt(text);
      api.freeText(text);
      return { name, type: numberOf(api, (out) => api.portType(port, out)) };
    } finally {
      api.portFree(port);
    }
  });
}

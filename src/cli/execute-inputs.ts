import { readFileSync } from "node:fs";
import { HeddleError } from "../base/heddle-error.ts";
import { seededPrng } from "../base/prng.ts";
import type { HostTensor } from "../execute/device/tensor.ts";
import { runSizes } from "../inspect/run-sizes.ts";
import { expectedDims } from "../sdk/bind-sizes.ts";
import type { PortSpec, RunnableGraph } from "../sdk/sdk-types.ts";
import { tensor, zeros } from "../sdk/tensor.ts";
import { readNpy } from "./npy.ts";

export interface InputWish {
  /** `name=path` each. */
  readonly files: readonly string[];
  /** Seed of the inputs no file is given for; undefined: all have files. */
  readonly seed: number | undefined;
  /** `name=value` each. */
  readonly sizes: readonly string[];
}

/** Numbers an integer input may have: small enough for most tables they look up. */
const RANDOM_INTEGERS = 2;

/** What a graph is run with. Errors: `usage`, `file-unreadable`, `input-invalid`. */
export function inputsFor(graph: RunnableGraph, { files, seed, sizes }: InputWish): Record<string, HostTensor> {
  const inputs: Record<string, HostTensor> = {};
  for (const wish of files) {
    const [name, path] = halves(wish, "--input");
    const port = graph.inputs.find((one) => one.name === name);
    if (port === undefined) throw usage(`--input ${wish}`, `the graph's inputs are ${graph.inputs.map((one) => one.name).join(", ")}`);
    inputs[name] = readInput(path, port);
  }
  const missing = graph.inputs.filter(({ name }) => inputs[name] === undefined);
  if (missing.length === 0) return inputs;
  if (seed === undefined)
    throw usage("--input", `${missing.map(({ name }) => name).join(", ")} are not given; --random <seed> makes them up`);
  const given = Object.fromEntries(sizes.map((wish) => halves(wish, "--size")).map(([name, value]) => [name, Number(value)]));
  const all = Object.fromEntries(runSizes(graph.program.graph, given).map(({ symbol, value }) => [symbol, value]));
  const prng = seededPrng(seed);
  for (const { name, type } of missing) {
    const { shape } = graph.program.graph.tensors.find((one) => one.name === name && one.origin === "input")!;
    const dims = expectedDims(shape, all);
    if (dims === undefined || dims.includes(undefined)) throw usage("--random", `the shape of ${name} is not known; give it with --input`);
    const made = zeros(type, dims as readonly number[]);
    for (let i = 0; i < made.data.length; i++) {
      const drawn = prng.nextFloat();
      if (made.data instanceof BigInt64Array || made.data instanceof BigUint64Array)
        made.data[i] = BigInt(Math.floor(drawn * RANDOM_INTEGERS));
      else made.data[i] = type === "f32" || type === "f64" ? drawn : Math.floor(drawn * RANDOM_INTEGERS);
    }
    inputs[name] = made;
  }
  return inputs;
}

function readInput(path: string, port: PortSpec): HostTensor {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new HeddleError("file-unreadable", { where: path, detail: cause instanceof Error ? cause.message : String(cause), cause });
  }
  if (path.endsWith(".npy")) return readNpy(bytes, path);
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (cause) {
    throw new HeddleError("input-invalid", { where: path, detail: "it is neither .npy nor JSON", cause });
  }
  const dims: number[] = [];
  for (let at = value; Array.isArray(at); at = at[0]) dims.push(at.length);
  const flat = Array.isArray(value) ? (value.flat(Infinity) as unknown[]) : [value];
  if (!flat.every((one) => typeof one === "number"))
    throw new HeddleError("input-invalid", { where: path, detail: "nested lists of numbers are wanted" });
  return tensor(flat as number[], dims, port.type);
}

function halves(wish: string, option: string): [string, string] {
  const at = wish.lastIndexOf("=");
  if (at < 1) throw usage(`${option} ${wish}`, "name=value is wanted");
  return [wish.slice(0, at), wish.slice(at + 1)];
}

function usage(where: string, detail: string): HeddleError {
  return new HeddleError("usage", { where, detail });
}

import { existsSync, readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { HeddleError } from "../../base/heddle-error.ts";
import { type SharedMemory, type WasmModule, webAssembly } from "./web-assembly.ts";

/** What the compiled kernels offer each thread. */
export interface KernelExports {
  /** Opens the first phase of the next step; for the owner's thread. */
  begin(): void;
  /** Works on the step under way until it is done. Thread 0 is the owner's. */
  step(thread: number): void;
  readonly keepKeys: KeepPage;
  readonly keepValues: KeepPage;
}

/**
 * Rounds keys or values of a page, rows of `columns` floats in f32, to the form that pages keep them in, [heads, tokens, columns]. Addresses and steps from
 * head to head and from token to token in bytes.
 */
export type KeepPage = (
  from: number,
  to: number,
  heads: number,
  tokens: number,
  columns: number,
  headStep: number,
  tokenStep: number,
) => void;

/**
 * A module of one function, v128 × v128 → v128 by `i16x8.relaxed_dot_i8x16_i7x16_s` (0xfd, 0x112 in LEB128): valid where there is relaxed SIMD.
 * Source: WebAssembly 3.0, binary format of modules and of relaxed vector instructions.
 */
const RELAXED_SIMD = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 7, 1, 0x60, 2, 0x7b, 0x7b, 1, 0x7b],
  ...[3, 2, 1, 0],
  ...[10, 11, 1, 9, 0, 0x20, 0, 0x20, 1, 0xfd, 0x92, 0x02, 0x0b],
);
/** Node 20 has relaxed SIMD behind this flag of V8; later ones have it and do not know the flag. */
const RELAXED_SIMD_FLAG = "--experimental-wasm-relaxed-simd";

let compiled: WasmModule | undefined;

/** Why decode kernels cannot be had here; undefined where they can. */
export function kernelRefusal(code: URL = moduleUrl()): string | undefined {
  if (typeof SharedArrayBuffer === "undefined") return "this runtime has no SharedArrayBuffer, which the kernels' threads share";
  if (!hasRelaxedSimd())
    return `WebAssembly of this runtime (V8 ${process.versions.v8 ?? "unknown"}) has no relaxed SIMD; Node 20.19 and later do`;
  if (!existsSync(code)) return `${code.pathname} is missing; run \`npm run build\``;
  return undefined;
}

/** The kernels, compiled once a thread. Errors: `plan-invalid` where there are none. */
export function kernelModule(): WasmModule {
  const refusal = kernelRefusal();
  if (refusal !== undefined) throw new HeddleError("plan-invalid", { where: "decode kernels", detail: refusal });
  compiled ??= new webAssembly.Module(readFileSync(moduleUrl()));
  return compiled;
}

/** Kernels of one thread over the memory that all threads share. */
export function instantiateKernels(module: WasmModule, memory: SharedMemory): KernelExports {
  return new webAssembly.Instance(module, { env: { memory, abort } }).exports as unknown as KernelExports;
}

function abort(): never {
  throw new HeddleError("internal", { where: "decode kernels", detail: "a kernel gave up" });
}

function hasRelaxedSimd(): boolean {
  if (webAssembly.validate(RELAXED_SIMD)) return true;
  if (!process.versions.node.startsWith("20.")) return false;
  setFlagsFromString(RELAXED_SIMD_FLAG);
  return webAssembly.validate(RELAXED_SIMD);
}

/** Beside the compiled code; from source (tests) below `dist/`. */
function moduleUrl(): URL {
  const here = import.meta.url;
  return new URL(here.endsWith(".js") ? "./decode.wasm" : "../../../dist/src/execute/kernels/decode.wasm", here);
}

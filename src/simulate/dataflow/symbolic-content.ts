import { mix32 } from "../../base/prng.ts";
import type { Bytes } from "../../base/units.ts";

/** Stands for the bytes of a value: a hash of the computation that made it. */
export type Content = number;

/** A prefix of a buffer and what it holds; a buffer's prefixes are those of the values it went through. */
export interface Prefix {
  readonly bytes: Bytes;
  readonly content: Content;
}

/** What a task makes for one of its accesses. */
export function producedContent(task: number, access: number, inputs: readonly Content[]): Content {
  let hash = mix32(task * 64 + access + 1);
  for (const input of inputs) hash = mix32(hash ^ mix32(input + 0x9e3779b9));
  return hash;
}

export function appendedContent(before: Content, added: Content): Content {
  return mix32(before ^ Math.imul(added, 0x85ebca6b));
}

/** Commutes, like the contributions it stands for. */
export function combinedContent(parts: readonly Content[]): Content {
  let sum = 0;
  for (const part of parts) sum = (sum + part) >>> 0;
  return sum;
}

/** What a client puts. */
export function putContent(handle: number, turn: number): Content {
  return mix32((handle + 1) * 7919 + turn);
}

/** True size of an output that may have `bytesMax`: at least one byte, the same whenever it is made. */
export function producedBytes(task: number, access: number, bytesMax: Bytes): Bytes {
  return Math.max(1, bytesMax - Math.floor((bytesMax / 2) * (mix32(task * 131 + access) / 4294967296)));
}

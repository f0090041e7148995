import type { ByteSource } from "../../base/bytes.ts";
import type { ChakraNode } from "./chakra-node.ts";
import { type ChakraHeader, decodeHeader, decodeNode } from "./decode-message.ts";
import { invalid, unsupported } from "./failures.ts";

/** Larger nodes do not occur; the longest of a training step of 1,000 tensors has about 30 kB. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
const MAX_NODES = 2_000_000;
const WINDOW_BYTES = 1 << 18;
const LONGEST_LENGTH = 10;

/** Messages of a trace: the header, then the nodes, each behind its length. Errors: `chakra-invalid`, `chakra-unsupported` past the limits. */
export function readMessages(source: ByteSource): { readonly header: ChakraHeader; readonly nodes: readonly ChakraNode[] } {
  let header: ChakraHeader | undefined;
  const nodes: ChakraNode[] = [];
  const window = windowed(source);
  for (let at = 0; at < source.byteLength; ) {
    const { length, next } = lengthAt(window, source.byteLength, at);
    if (length > MAX_MESSAGE_BYTES) throw unsupported(`byte ${at}`, `a message of ${length} bytes`);
    if (next + length > source.byteLength)
      throw invalid(`byte ${at}`, `${length} bytes are announced where ${source.byteLength - next} are left`);
    const bytes = window(next, length);
    try {
      if (header === undefined) header = decodeHeader(bytes);
      else nodes.push(decodeNode(bytes));
    } catch (cause) {
      throw invalid(`message ${nodes.length} at byte ${at}`, cause instanceof Error ? cause.message : String(cause), cause);
    }
    if (nodes.length > MAX_NODES) throw unsupported("the trace", `more than ${MAX_NODES} nodes`);
    at = next + length;
  }
  if (header === undefined) throw invalid("the trace", "it is empty");
  return { header, nodes };
}

type Window = (from: number, length: number) => Uint8Array;

function windowed(source: ByteSource): Window {
  let bytes: Uint8Array = new Uint8Array(0);
  let start = 0;
  return (from, length) => {
    if (from < start || from + length > start + bytes.length) {
      bytes = source.read(from, Math.min(Math.max(length, WINDOW_BYTES), source.byteLength - from));
      start = from;
    }
    return bytes.subarray(from - start, from - start + length);
  };
}

function lengthAt(window: Window, end: number, at: number): { readonly length: number; readonly next: number } {
  const bytes = window(at, Math.min(LONGEST_LENGTH, end - at));
  let length = 0;
  for (let place = 0, scale = 1; place < bytes.length; place++, scale *= 128) {
    length += (bytes[place]! & 127) * scale;
    if (bytes[place]! < 128) return { length, next: at + place + 1 };
  }
  throw invalid(`byte ${at}`, "a length does not end");
}

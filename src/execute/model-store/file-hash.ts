import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";

/** Feeds the first `length` bytes of a file into a hash. */
export async function hashFile(path: string, options: { hash?: Hash; length?: number; signal?: AbortSignal } = {}): Promise<Hash> {
  const hash = options.hash ?? createHash("sha256");
  if (options.length === 0) return hash;
  const end = options.length === undefined ? {} : { end: options.length - 1 };
  const stream = createReadStream(path, { ...end, highWaterMark: 1 << 20, ...(options.signal && { signal: options.signal }) });
  for await (const chunk of stream) hash.update(chunk as Uint8Array);
  return hash;
}

export async function sha256Of(path: string, signal?: AbortSignal): Promise<string> {
  return (await hashFile(path, signal ? { signal } : {})).digest("hex");
}

import { createHash } from "node:crypto";
import { basename, dirname, resolve } from "node:path";
import { HeddleError } from "../../base/heddle-error.ts";
import { openFileBytes } from "../file-bytes.ts";
import { sha256Of } from "../model-store/file-hash.ts";
import type { SpooledFile, WireProgram } from "../seat-worker/seat-messages.ts";
import { spoolKey } from "../seat-worker/spool.ts";
import { externalFiles } from "./external-files.ts";
import type { SeatClient } from "./seat-client.ts";
import type { ProgramSource } from "./seat-types.ts";

/** Brings programs to where a seat can read them: a path where files are shared, else the bytes, once by content. */
export interface ProgramCourier {
  deliver(source: ProgramSource): Promise<WireProgram>;
}

/** Files go in parts of this size, so that calls can come between them. Units: bytes. */
const PART_BYTES = 4 * 2 ** 20;

interface FileToSend extends SpooledFile {
  read(offset: number, length: number): Uint8Array;
  close(): void;
}

/** `sharesFiles`: the worker sees the paths of this process. */
export function createProgramCourier(client: SeatClient, sharesFiles: boolean): ProgramCourier {
  const sent = new Map<string, Promise<void>>();
  return {
    deliver: async (source) => {
      if (source.type === "state") return { type: "state", program: source.program };
      if (source.type === "onnx" && sharesFiles) return { type: "file", path: resolve(source.path) };
      const files = source.type === "onnx" ? await filesAt(source.path) : filesInMemory(source);
      try {
        const key = spoolKey(files);
        let sending = sent.get(key);
        if (sending === undefined) {
          sending = send(client, key, files);
          sent.set(key, sending);
          sending.catch(() => sent.delete(key));
        }
        await sending;
        return { type: "spooled", key, model: files[0]!.name };
      } finally {
        for (const file of files) file.close();
      }
    },
  };
}

async function send(client: SeatClient, key: string, files: readonly FileToSend[]): Promise<void> {
  const list = files.map(({ name, sha256, bytes }) => ({ name, sha256, bytes }));
  if (await client.ask({ t: "spool-has", key, files: list }, ({ value }) => value === true)) return;
  for (const { name, bytes, read } of files) {
    for (let offset = 0; offset === 0 || offset < bytes; offset += PART_BYTES) {
      const payload = new Uint8Array(read(offset, Math.min(PART_BYTES, bytes - offset)));
      await client.ask({ t: "spool", key, name, offset, payload }, () => undefined);
    }
  }
  await client.ask({ t: "spooled", key, files: list }, () => undefined);
}

async function filesAt(path: string): Promise<FileToSend[]> {
  const folder = dirname(resolve(path));
  const names = [basename(path), ...externalFiles(path)];
  const files: FileToSend[] = [];
  for (const name of names) {
    const full = resolve(folder, name);
    const open = openFileBytes(full);
    const { byteLength: bytes } = open;
    files.push({ name, bytes, sha256: await sha256Of(full), read: (offset, length) => open.read(offset, length), close: open.close });
  }
  return files;
}

function filesInMemory({ model, files = {} }: Extract<ProgramSource, { type: "onnx-bytes" }>): FileToSend[] {
  const fileOf = (name: string, data: Uint8Array): FileToSend => ({
    name,
    bytes: data.byteLength,
    sha256: sumOf(data),
    read: (offset, length) => data.subarray(offset, offset + length),
    close: () => undefined,
  });
  if (Object.hasOwn(files, MODEL_NAME))
    throw new HeddleError("input-invalid", { where: MODEL_NAME, detail: "this name is the model's own" });
  return [fileOf(MODEL_NAME, model), ...Object.entries(files).map(([name, data]) => fileOf(name, data))];
}

const MODEL_NAME = "model.onnx";

/** Of bytes in memory, which a program does not change: stages of one program are many, and hashing half a gigabyte takes as long as a prompt. */
const sums = new WeakMap<Uint8Array, string>();

function sumOf(data: Uint8Array): string {
  const sum = sums.get(data) ?? createHash("sha256").update(data).digest("hex");
  sums.set(data, sum);
  return sum;
}

import { HeddleError } from "../../base/heddle-error.ts";
import { OWNED } from "./kernel-control.ts";
import { type SharedMemory, webAssembly } from "./web-assembly.ts";

const PAGE_BYTES = 65_536;
/** What 32-bit addresses reach. */
const MOST_PAGES = 65_536;
const ALIGNMENT = 64;
/** Products touch what lies so far behind their weights. */
const READ_AHEAD = 4096;

/** Sizes are asked for first and addresses given at once; memory comes when it is made, and the system gives its pages as they are first written. */
export interface KernelSpace {
  /** Address of `bytes` bytes, aligned to 64. */
  take(bytes: number): number;
  readonly bytes: number;
}

export function createKernelSpace(): KernelSpace {
  // Behind the words that threads meet at, and what the compiler keeps.
  let next = OWNED;
  return {
    take: (bytes) => {
      const at = next;
      next += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
      return at;
    },
    get bytes() {
      return next + READ_AHEAD;
    },
  };
}

/** Errors: `plan-invalid` where a stage needs more than 4 GiB. */
export function createKernelMemory(bytes: number, where: string): SharedMemory {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  if (pages > MOST_PAGES) {
    const detail = `weights and working KV of a stage in block-int8 take ${(bytes / 2 ** 30).toFixed(1)} GiB, of which 32-bit WebAssembly holds 4; use another decode format, more stages or fewer working pages`;
    throw new HeddleError("plan-invalid", { where, detail });
  }
  return new webAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

/** The next multiple of `to`. */
export function padded(size: number, to: number): number {
  return Math.ceil(size / to) * to;
}

import { assert } from "../../../base/assert.ts";

/** A pointer to an object of the library. */
export type Pointer = bigint;

/** An object of the library that is freed exactly once; using it afterwards is our mistake, not a crash. */
export interface NativeHandle {
  /** Errors: an assertion once it is freed. */
  pointer(): Pointer;
  /** Frees it; later calls do nothing. */
  free(): void;
}

export function nativeHandle(what: string, made: Pointer, release: (pointer: Pointer) => void): NativeHandle {
  let held: Pointer | undefined = made;
  return {
    pointer: () => {
      assert(held !== undefined, "a native object is not used after it was freed", { what });
      return held;
    },
    free: () => {
      if (held === undefined) return;
      const last = held;
      held = undefined;
      release(last);
    },
  };
}

// Goal: an object of a native library is freed once and not used afterwards. Method: a handle that counts.
import { expect, it } from "vitest";
import { nativeHandle } from "./native-handle.ts";

it("is freed exactly once, and refuses to be used after that", () => {
  const freed: bigint[] = [];
  const handle = nativeHandle("tensor", 42n, (pointer) => freed.push(pointer));
  expect(handle.pointer()).toBe(42n);
  handle.free();
  handle.free();
  expect(freed).toEqual([42n]);
  expect(() => handle.pointer()).toThrow(/after it was freed/);
});

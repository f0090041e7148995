/** Goal: a safetensors file is read as written, and every kind of wrong one is named. Method: hand-made headers. */
import { expect, test } from "vitest";
import { writeSafetensors } from "../../../test/support/tiny-hf.ts";
import { bytesOf } from "../../base/bytes.ts";
import { readSafetensors } from "./read-safetensors.ts";

function fileOf(header: unknown, dataBytes: number, length?: number): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const out = new Uint8Array(8 + text.length + dataBytes);
  new DataView(out.buffer).setBigUint64(0, BigInt(length ?? text.length), true);
  out.set(text, 8);
  return out;
}

const ONE = { dtype: "F32", shape: [2], data_offsets: [0, 8] };

test("tensors, shapes and positions", () => {
  const bytes = writeSafetensors({
    a: { dtype: "F32", shape: [2, 3], values: Float32Array.of(1, 2, 3, 4, 5, 6) },
    b: { dtype: "BF16", shape: [2], values: Float32Array.of(0.5, -1) },
  });
  const file = readSafetensors(bytesOf(bytes));
  expect(file.tensors.get("a")).toMatchObject({ format: "F32", shape: [2, 3], offset: file.headerBytes, byteLength: 24 });
  expect(file.tensors.get("b")).toMatchObject({ format: "BF16", offset: file.headerBytes + 24, byteLength: 4 });
  expect(readSafetensors(bytesOf(fileOf({ n: { dtype: "I64", shape: [], data_offsets: [0, 8] } }, 8))).tensors.get("n")?.format).toBe(
    "unread",
  );
});

const REFUSED: readonly (readonly [string, Uint8Array, string])[] = [
  ["an empty file", new Uint8Array(3), "offset 0"],
  ["a header longer than the file", fileOf({ a: ONE }, 8, 1e6), "offset 0"],
  ["a header beyond 2^53", fileOf({ a: ONE }, 8, 2 ** 62), "offset 0"],
  ["a header that is no JSON", fileOf("{]", 0), "header"],
  ["a header that is a list", fileOf([], 0), "header"],
  ["a tensor without a type", fileOf({ a: { ...ONE, dtype: 7 } }, 8), "tensor a"],
  ["a negative size", fileOf({ a: { ...ONE, shape: [-2] } }, 8), "tensor a"],
  ["too few bytes for the shape", fileOf({ a: { ...ONE, shape: [3] } }, 8), "tensor a"],
  ["an end before the beginning", fileOf({ a: { ...ONE, data_offsets: [8, 0] } }, 8), "tensor a"],
  ["a gap", fileOf({ a: { ...ONE, data_offsets: [4, 12] } }, 12), "tensor a"],
  ["an overlap", fileOf({ a: ONE, b: { ...ONE, data_offsets: [4, 12] } }, 12), "tensor b"],
  ["data that is cut off", fileOf({ a: ONE }, 7), "the end"],
  ["data left over", fileOf({ a: ONE }, 9), "the end"],
];

for (const [name, bytes, where] of REFUSED) {
  test(`${name} is refused`, () => {
    const read = (): unknown => readSafetensors(bytesOf(bytes), "m");
    expect(read).toThrow(expect.objectContaining({ code: "safetensors-invalid", where: `m, ${where}` }));
  });
}

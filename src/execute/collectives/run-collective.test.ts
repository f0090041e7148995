// Goal: sums of members are taken in one stated order and rounded as the type says. Method: three members in this process, values where order shows.
import { expect, it } from "vitest";
import { inProcessGroups } from "../../../test/support/in-process-group.ts";
import { halfBits, halfTable } from "../../graph/decoder/half.ts";
import type { Collective } from "../device/collective.ts";
import type { HostTensor } from "../device/tensor.ts";
import { reduceInto } from "./reduce.ts";
import { runCollective } from "./run-collective.ts";

const floats = (...values: number[]): HostTensor => ({ type: "f32", dims: [values.length], data: Float32Array.from(values) });
const all = (call: Collective, tensors: readonly HostTensor[]): Promise<HostTensor[]> => {
  const groups = inProcessGroups(tensors.length);
  return Promise.all(tensors.map((tensor, rank) => runCollective(groups[rank]!, call, tensor)));
};

it("sums a piece once, from the member behind its owner on", async () => {
  const large = 2 ** 25;
  const tensors = [floats(1, 1, 1), floats(large, large, large), floats(-large, -large, -large)];
  const results = await all({ op: "all-reduce", reduce: "sum" }, tensors);
  // Piece 0: members 1, 2, 0; piece 1: 2, 0, 1, where the 1 is rounded away; piece 2: 0, 1, 2, likewise.
  for (const { data } of results) expect([...data].map(Number)).toEqual([1, 0, 0]);
});

it("divides no axis that does not divide, and takes no unlike tensors", async () => {
  await expect(all({ op: "all-to-all" }, [floats(1, 2, 3), floats(1, 2, 3)])).rejects.toMatchObject({ code: "input-invalid" });
  await expect(all({ op: "broadcast", root: 5 }, [floats(1), floats(1)])).rejects.toMatchObject({ code: "input-invalid" });
  await expect(all({ op: "all-reduce", reduce: "sum" }, [floats(1, 2), floats(1, 2, 3, 4)])).rejects.toMatchObject({
    code: "input-invalid",
  });
});

it("works with one member", async () => {
  for (const call of [
    { op: "all-reduce", reduce: "sum" },
    { op: "all-gather" },
    { op: "broadcast", root: 0 },
    { op: "all-to-all" },
  ] as const) {
    expect((await all(call, [floats(3, 4)]))[0]).toEqual(floats(3, 4));
  }
});

it("rounds every half back to its own bits, and ties to even", () => {
  const table = halfTable();
  for (let bits = 0; bits < 65_536; bits++) if (!Number.isNaN(table[bits]!)) expect(halfBits(table[bits]!)).toBe(bits);
  for (let bits = 0; bits < 0x7bff; bits += 37) {
    const middle = (table[bits]! + table[bits + 1]!) / 2;
    expect(halfBits(middle)).toBe(bits % 2 === 0 ? bits : bits + 1);
    expect(halfBits(-middle * 1.0000001)).toBe(0x8000 | (bits + 1));
  }
  expect([65_519, 65_520, Infinity].map(halfBits)).toEqual([0x7bff, 0x7c00, 0x7c00]);
});

it("reduces halves, wide integers and truth values", () => {
  const reduced = (
    type: "f16" | "bf16" | "bool" | "u64",
    reduce: "sum" | "max",
    a: Uint16Array | Uint8Array | BigUint64Array,
    b: typeof a,
  ) => {
    reduceInto(type, reduce, { a, b });
    return [...a].map(Number);
  };
  expect(reduced("f16", "sum", Uint16Array.of(0x3c00, 0x7bff), Uint16Array.of(0x4000, 0x7bff))).toEqual([0x4200, 0x7c00]);
  expect(reduced("bf16", "sum", Uint16Array.of(0x3f80), Uint16Array.of(0x3b80))).toEqual([0x3f80]);
  expect(reduced("bf16", "max", Uint16Array.of(0xbf80), Uint16Array.of(0x3b80))).toEqual([0x3b80]);
  expect(reduced("bool", "sum", Uint8Array.of(1, 0, 1), Uint8Array.of(1, 0, 0))).toEqual([1, 0, 1]);
  expect(reduced("u64", "max", BigUint64Array.of(2n ** 63n), BigUint64Array.of(1n))).toEqual([2 ** 63]);
});

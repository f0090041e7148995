/** Goal: the kernels do what their names say. Method: properties over drawn data, and plain loops as references. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { combineRows, dispatchOrder } from "./experts.ts";
import { dequantizeFp8, dequantizeInt8, quantizeFp8, quantizeInt8 } from "./quantise.ts";
import { packRows, unpackRows } from "./rows.ts";

const values = fc.array(fc.float({ min: -1e6, max: 1e6, noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 40 });

function eachBlock(count: number, width: number, block: number, check: (from: number, to: number, place: number) => void): void {
  let place = 0;
  for (let row = 0; row < count; row += width)
    for (let from = row; from < row + width; from += block) check(from, Math.min(from + block, row + width), place++);
}

describe("quantisation", () => {
  test("int8 is within half a scale, and exact at the largest value", () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 9 }), (row, rows, block) => {
        const data = Float32Array.from(Array.from({ length: rows }, () => row).flat());
        const blocks = { width: row.length, block };
        const { codes, scales } = quantizeInt8(data, blocks);
        const back = dequantizeInt8(codes, scales, blocks);
        eachBlock(data.length, row.length, block, (from, to, place) => {
          const scale = scales[place]!;
          for (let i = from; i < to; i++) expect(Math.abs(back[i]! - data[i]!)).toBeLessThanOrEqual(scale * 0.5 * (1 + 1e-5) + 1e-30);
          expect(Math.max(...Array.from(codes.slice(from, to), Math.abs))).toBe(scale === 0 ? 0 : 127);
        });
      }),
    );
  });

  test("fp8 is within 1/16 of the value, or 2^-10 of the scale", () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 9 }), (row, block) => {
        const data = Float32Array.from(row);
        const blocks = { width: row.length, block };
        const { codes, scales } = quantizeFp8(data, blocks);
        const back = dequantizeFp8(codes, scales, blocks);
        eachBlock(data.length, row.length, block, (from, to, place) => {
          for (let i = from; i < to; i++) {
            const bound = Math.max(Math.abs(data[i]!) / 16, scales[place]! * 2 ** -10) * (1 + 1e-5) + 1e-30;
            expect(Math.abs(back[i]! - data[i]!)).toBeLessThanOrEqual(bound);
          }
        });
      }),
    );
  });
});

describe("rows", () => {
  test("packing and putting back", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 9 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (count, rowBytes, drawn) => {
          const bytes = Uint8Array.from({ length: count * rowBytes }, (_, i) => i * 7);
          const index = Int32Array.from(drawn, (one) => one % count);
          const packed = packRows({ bytes, rowBytes }, index);
          const expected = [...index].flatMap((row) => [...bytes.subarray(row * rowBytes, (row + 1) * rowBytes)]);
          expect([...packed]).toEqual(expected);
          expect(unpackRows({ bytes, rowBytes }, packed, index)).toEqual(bytes);
          const empty = unpackRows({ bytes: new Uint8Array(bytes.length), rowBytes }, packed, index);
          for (let row = 0; row < count; row++) {
            const there = index.includes(row);
            expect([...empty.subarray(row * rowBytes, (row + 1) * rowBytes)]).toEqual(
              there ? [...bytes.subarray(row * rowBytes, (row + 1) * rowBytes)] : new Array(rowBytes).fill(0),
            );
          }
        },
      ),
    );
  });

  test("an index that is not there is refused", () => {
    for (const bad of [-1, 3]) expect(() => packRows({ bytes: new Uint8Array(6), rowBytes: 2 }, Int32Array.of(0, bad))).toThrow(/rows/);
  });
});

describe("experts", () => {
  const choices = fc
    .integer({ min: 1, max: 4 })
    .chain((k) => fc.array(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: k, maxLength: k }), { minLength: 1, maxLength: 12 }));

  test("rows go out by expert in the order of tokens; combined with weights 1/k they are the tokens again", () => {
    fc.assert(
      fc.property(choices, (chosen) => {
        const k = chosen[0]!.length;
        const flat = Int32Array.from(chosen.flat());
        const { order, counts } = dispatchOrder(flat, 6);
        const plain = [...flat.keys()].sort((a, b) => flat[a]! - flat[b]! || a - b);
        expect([...order]).toEqual(plain);
        expect([...counts]).toEqual([0, 1, 2, 3, 4, 5].map((expert) => flat.filter((one) => one === expert).length));
        const width = 3;
        const tokens = Float32Array.from({ length: chosen.length * width }, (_, i) => i - 4);
        const rows = Float32Array.from(
          [...order].flatMap((place) => [...tokens.subarray(Math.floor(place / k) * width, (Math.floor(place / k) + 1) * width)]),
        );
        const one = combineRows({ rows, order, weights: new Float32Array(flat.length).fill(1), choices: k, width });
        expect([...one]).toEqual([...tokens].map((value) => value * k));
      }),
    );
  });

  test("what is no expert, or no order, is refused", () => {
    expect(() => dispatchOrder(Int32Array.of(0, 4), 4)).toThrow(/expert 4/);
    const parts = { rows: new Float32Array(2), weights: new Float32Array(2), choices: 1, width: 1 };
    for (const order of [Int32Array.of(0, 0), Int32Array.of(0, 2)]) expect(() => combineRows({ ...parts, order })).toThrow(/place/);
  });
});

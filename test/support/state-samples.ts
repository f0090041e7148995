/** Small state programs with answers worked out by hand, for the suite of device drivers. */
import type { HostTensor } from "../../src/execute/device/tensor.ts";
import { stateProgramOf } from "../../src/graph/program/state-program.ts";
import type { StateProgram } from "../../src/graph/program/state-spec.ts";
import { type StageSample, tensorOf, wholeStage } from "./device-samples.ts";

interface Sample {
  readonly program: StateProgram;
  readonly inputs: Readonly<Record<string, HostTensor>>;
  readonly expected: Readonly<Record<string, HostTensor>>;
}

const f32 = (dims: number[], values: number[]): HostTensor => tensorOf("f32", dims, values);
const i32 = (dims: number[], values: number[]): HostTensor => tensorOf("i32", dims, values);

const SAMPLES: readonly Sample[] = [
  {
    program: {
      name: "rows",
      inputs: [
        { name: "x", type: "f32", dims: ["pages", 2] },
        { name: "index", type: "i32", dims: ["n"] },
      ],
      operators: [
        { type: "Pack", inputs: ["x", "index"], outputs: ["rows"] },
        { type: "QuantizeInt8", inputs: ["rows"], outputs: ["codes", "scale"] },
        { type: "DequantizeInt8", inputs: ["codes", "scale"], outputs: ["back"] },
      ],
      outputs: ["codes", "back"],
    },
    inputs: { x: f32([3, 2], [1, 2, 3, 4, 127, -254]), index: i32([2], [2, 0]) },
    expected: {
      codes: tensorOf("i8", [2, 2], [64, -127, 64, 127]),
      back: f32([2, 2], [128, -254, 64 * Math.fround(2 / 127), 127 * Math.fround(2 / 127)].map(Math.fround)),
    },
  },
  {
    program: {
      name: "put back",
      inputs: [
        { name: "target", type: "u8", dims: ["pages", 2] },
        { name: "rows", type: "u8", dims: ["n", 2] },
        { name: "index", type: "i32", dims: ["n"] },
      ],
      operators: [
        { type: "Unpack", inputs: ["target", "rows", "index"], outputs: ["whole"] },
        { type: "Hash", inputs: ["whole"], outputs: ["sum"], attributes: { algorithm: "crc32" } },
        { type: "Copy", inputs: ["whole"], outputs: ["copy"] },
      ],
      outputs: ["copy", "sum"],
    },
    inputs: {
      target: tensorOf("u8", [3, 2], [0, 0, 0, 0, 0, 0]),
      rows: tensorOf("u8", [2, 2], [0x61, 0x62, 0x63, 0x64]),
      index: i32([2], [2, 1]),
    },
    // CRC-32 of 00 00 63 64 61 62, by Python's zlib.
    expected: { copy: tensorOf("u8", [3, 2], [0, 0, 0x63, 0x64, 0x61, 0x62]), sum: tensorOf("u32", [1], [0x08d5c020]) },
  },
  {
    program: {
      name: "experts",
      inputs: [
        { name: "x", type: "f32", dims: ["tokens", 2] },
        { name: "chosen", type: "i32", dims: ["tokens", 2] },
        { name: "weights", type: "f32", dims: ["tokens", 2] },
      ],
      operators: [
        { type: "Dispatch", inputs: ["x", "chosen"], outputs: ["rows", "counts", "order"], attributes: { experts: 4 } },
        { type: "Combine", inputs: ["rows", "order", "weights"], outputs: ["y"] },
      ],
      outputs: ["rows", "counts", "order", "y"],
    },
    inputs: { x: f32([2, 2], [1, 2, 3, 4]), chosen: i32([2, 2], [3, 0, 0, 1]), weights: f32([2, 2], [0.5, 0.25, 1, 2]) },
    expected: {
      rows: f32([4, 2], [1, 2, 3, 4, 3, 4, 1, 2]),
      counts: i32([4], [2, 1, 0, 1]),
      order: i32([4], [1, 2, 3, 0]),
      y: f32([2, 2], [0.75, 1.5, 9, 12]),
    },
  },
  {
    program: {
      name: "fp8",
      inputs: [{ name: "x", type: "f32", dims: ["n", 4] }],
      operators: [
        { type: "QuantizeFp8", inputs: ["x"], outputs: ["codes", "scale"], attributes: { block: 2 } },
        { type: "DequantizeFp8", inputs: ["codes", "scale"], outputs: ["back"], attributes: { block: 2 } },
      ],
      outputs: ["codes", "scale", "back"],
    },
    inputs: { x: f32([1, 4], [448, -1, 0, 0]) },
    expected: { codes: tensorOf("u8", [1, 4], [0x7e, 0xb8, 0, 0]), scale: f32([1, 2], [1, 0]), back: f32([1, 4], [448, -1, 0, 0]) },
  },
];

export function stateSamples(): readonly StageSample[] {
  return SAMPLES.map(({ program, inputs, expected }) => ({
    name: program.name,
    stage: wholeStage(stateProgramOf(program)),
    inputs,
    expected,
  }));
}

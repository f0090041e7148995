import { must } from "../../base/assert.ts";
import { dequantiseAll } from "../../graph/decoder/dequantise.ts";
import type { DecoderModel } from "../../graph/decoder/model.ts";
import { type KernelSpace, padded } from "./kernel-memory.ts";
import type { PlacedMatrix } from "./kernel-program.ts";
import {
  type BlockMatrix,
  blockMatrix,
  KERNEL_BLOCK,
  KERNEL_GROUP,
  kernelBits,
  kernelMatrixBytes,
  layOutMatrix,
} from "./kernel-weights.ts";

/** Writes what belongs at its address, once there is memory. */
export type Fill = (memory: SharedArrayBuffer) => void;

/** Places a model's weights; what they hold is read when memory is filled, one matrix at a time. */
export interface WeightPlaces {
  matrix(tensors: readonly string[]): PlacedMatrix;
  /** Gate and up of a layer, groups in turns. */
  gated(gate: string, up: string): PlacedMatrix;
  /** Vectors behind each other in f32; address. */
  vector(names: readonly string[]): number;
}

export function placeWeights({ weights }: DecoderModel, space: KernelSpace, fills: Fill[]): WeightPlaces {
  const known = (name: string) => must(weights.tensors.get(name), `the model has ${name}`);
  const place = (
    names: readonly string[],
    rows: number,
    read: () => { readonly matrix: BlockMatrix; readonly order: Int32Array },
  ): PlacedMatrix => {
    const bits = kernelBits(names.map(known));
    const columns = padded(known(names[0]!).shape[1] ?? 0, KERNEL_BLOCK);
    const bytes = kernelMatrixBytes(rows, columns, bits);
    const at = space.take(bytes);
    fills.push((memory) => {
      const { matrix, order } = read();
      layOutMatrix(matrix, order, new Uint8Array(memory, at, bytes));
    });
    return { weights: at, bits, outputs: rows, columns };
  };
  return {
    matrix: (names) => {
      const outputs = names.reduce((sum, name) => sum + (known(name).shape[0] ?? 0), 0);
      const rows = padded(outputs, KERNEL_GROUP);
      return place(names, rows, () => ({
        matrix: blockMatrix(names.map((name) => weights.read(name))),
        order: Int32Array.from({ length: rows }, (_, row) => (row < outputs ? row : -1)),
      }));
    },
    gated: (gate, up) => {
      const features = known(gate).shape[0] ?? 0;
      const places = padded(features, KERNEL_BLOCK) * 2;
      const placed = place([gate, up], places, () => ({
        matrix: blockMatrix([weights.read(gate), weights.read(up)]),
        order: Int32Array.from({ length: places }, (_, at) => {
          const turn = Math.floor(at / KERNEL_GROUP);
          const feature = (turn >> 1) * KERNEL_GROUP + (at % KERNEL_GROUP);
          return feature >= features ? -1 : (turn & 1) === 0 ? feature : features + feature;
        }),
      }));
      return { ...placed, outputs: placed.outputs / 2 };
    },
    vector: (names) => {
      const values = names.map((name) => dequantiseAll(weights.read(name)));
      const length = values.reduce((sum, one) => sum + one.length, 0);
      const at = space.take(padded(length, KERNEL_GROUP) * 4);
      fills.push((memory) => {
        let to = at;
        for (const one of values) {
          new Float32Array(memory, to, one.length).set(one);
          to += one.byteLength;
        }
      });
      return at;
    },
  };
}

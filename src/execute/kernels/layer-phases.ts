import type { DecoderModel } from "../../graph/decoder/model.ts";
import type { DecoderSpec } from "../../graph/decoder/spec.ts";
import { kernelPageBytes } from "../../plan/kernel-stages.ts";
import { rotationTables } from "../drivers/shared/rotations.ts";
import { type KernelSpace, padded } from "./kernel-memory.ts";
import type { AttendPhase, KernelPhase } from "./kernel-program.ts";
import { HEAD_ROWS, type Room } from "./kernel-room.ts";
import { KERNEL_BLOCK } from "./kernel-weights.ts";
import { type Fill, placeWeights } from "./place-weights.ts";

const FLOAT = Float32Array.BYTES_PER_ELEMENT;
/** Chunks of a product a thread: few enough that claims cost little, enough that one who is late is not waited for long. */
const CHUNKS_A_THREAD = 8;
/** Outputs of a chunk of the head. */
const HEAD_SHARE = 64;

export interface LayersRequest {
  readonly fromLayer: number;
  readonly toLayer: number;
  readonly threads: number;
  readonly contextLimit: number;
  /** Pages of all sequences together. */
  readonly pageCapacity: number;
}

/** What phases are placed in. */
export interface Building {
  readonly space: KernelSpace;
  readonly fills: Fill[];
  readonly places: Room;
}

/** The phases of the stage's layers, and the addresses of their KV pages. */
export function layerPhases(
  model: DecoderModel,
  request: LayersRequest,
  building: Building,
): { phases: KernelPhase[]; pages: readonly number[] } {
  const { spec } = model;
  const { space, fills, places } = building;
  const { width, heads, kvHeads, headDim, feedForward, normEpsilon: epsilon } = spec;
  const weights = placeWeights(model, space, fills);
  const { cosines, sines } = rotations(spec, request, building);
  const share = (outputs: number, unit: number): number => productShare(request.threads, outputs, unit);
  const qkvWidth = padded((heads + 2 * kvHeads) * headDim, 4);
  const whole = ((heads / kvHeads) * headDim) % KERNEL_BLOCK === 0;
  const phases: KernelPhase[] = [];
  const pages: number[] = [];
  const pageBytes = kernelPageBytes(spec);
  const pageRoom = (kind: "keys" | "values"): number => {
    const at = space.take(request.pageCapacity * pageBytes[kind]);
    pages.push(at);
    return at;
  };
  for (let layer = request.fromLayer; layer < request.toLayer; layer++) {
    const name = (part: string): string => `layers.${layer}.${part}`;
    const norm = (weight: string) => ({
      kind: "norm" as const,
      from: places.x,
      width,
      columns: padded(width, KERNEL_BLOCK),
      to: places.activations,
      weight: weights.vector([name(weight)]),
      epsilon,
    });
    const qkv = weights.matrix([name("q"), name("k"), name("v")]);
    const o = weights.matrix([name("o")]);
    const gateUp = weights.gated(name("gate"), name("up"));
    const down = weights.matrix([name("down")]);
    const bias = spec.qkvBias ? weights.vector([name("q-bias"), name("k-bias"), name("v-bias")]) : 0;
    const x = { to: places.x, apart: width * FLOAT, bias: 0 };
    const before = norm("attention-norm");
    const after = norm("ffn-norm");
    const attend: AttendPhase = {
      kind: "attend",
      qkv: places.qkv,
      apart: qkvWidth * FLOAT,
      keys: pageRoom("keys"),
      values: pageRoom("values"),
      activations: whole ? places.attended : 0,
      mixed: places.mixed,
      heads,
      kvHeads,
      headDim,
      interleaved: spec.rope.interleaved,
      cosines,
      sines,
      queryNorm: spec.qkNorm ? weights.vector([name("q-norm")]) : 0,
      keyNorm: spec.qkNorm ? weights.vector([name("k-norm")]) : 0,
      epsilon,
    };
    phases.push(
      before,
      {
        kind: "product",
        norm: before,
        matrix: qkv,
        activations: places.activations,
        mode: "store",
        to: places.qkv,
        apart: qkvWidth * FLOAT,
        bias,
        share: share(qkv.outputs, 4),
      },
      { kind: "keep", of: attend },
      attend,
    );
    if (!whole)
      phases.push({
        kind: "quantise",
        from: places.mixed,
        width: heads * headDim,
        columns: padded(heads * headDim, KERNEL_BLOCK),
        to: places.attended,
      });
    phases.push(
      { kind: "product", matrix: o, activations: places.attended, mode: "add", ...x, share: share(o.outputs, 4) },
      after,
      {
        kind: "product",
        norm: after,
        matrix: gateUp,
        activations: places.activations,
        mode: "gate",
        to: places.features,
        apart: 0,
        bias: 0,
        share: share(padded(feedForward, KERNEL_BLOCK), KERNEL_BLOCK),
      },
      { kind: "product", matrix: down, activations: places.features, mode: "add", ...x, share: share(down.outputs, 4) },
    );
  }
  return { phases, pages };
}

/** The phases of the head, and where it leaves logits: rows `apart` bytes apart. */
export function headPhases(model: DecoderModel, { space, fills, places }: Building) {
  const { spec } = model;
  const { width } = spec;
  const weights = placeWeights(model, space, fills);
  const matrix = weights.matrix([spec.tiedHead ? "embedding" : "head"]);
  const apart = matrix.outputs * FLOAT;
  const logits = space.take(HEAD_ROWS * apart);
  const norm = {
    kind: "norm",
    from: places.x,
    width,
    columns: matrix.columns,
    to: places.activations,
    weight: weights.vector(["final-norm"]),
    epsilon: spec.normEpsilon,
  } as const;
  const phases: KernelPhase[] = [
    norm,
    { kind: "product", norm, matrix, activations: places.activations, mode: "store", to: logits, apart, bias: 0, share: HEAD_SHARE },
  ];
  return { phases, logits, apart, x: places.x };
}

function rotations(spec: DecoderSpec, { contextLimit }: LayersRequest, { space, fills }: Building): { cosines: number; sines: number } {
  const tables = rotationTables(spec.rope, contextLimit);
  const place = (values: Float32Array): number => {
    const at = space.take(values.byteLength);
    fills.push((memory) => new Float32Array(memory, at, values.length).set(values));
    return at;
  };
  return { cosines: place(tables.cosines), sines: place(tables.sines) };
}

/** Outputs of one chunk of a product, a multiple of `unit`. */
export function productShare(threads: number, outputs: number, unit: number): number {
  return padded(Math.max(outputs / (threads * CHUNKS_A_THREAD), unit), unit);
}

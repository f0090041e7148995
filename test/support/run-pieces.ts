/** Runs a program through ONNX Runtime piece by piece, without optimisations that depend on what stands beside an operator. */
import * as ort from "onnxruntime-node";
import { seededPrng } from "../../src/base/prng.ts";
import type { OperatorId, TensorId } from "../../src/graph/ir/graph.ts";
import { readBy } from "../../src/graph/ir/read-by.ts";
import type { OnnxModel } from "../../src/graph/onnx/builder.ts";
import type { Program } from "../../src/graph/program/program.ts";

export async function runModel(
  { model, weights }: OnnxModel,
  feeds: Readonly<Record<string, ort.Tensor>>,
): Promise<Record<string, ort.Tensor>> {
  const session = await ort.InferenceSession.create(model, {
    graphOptimizationLevel: "disabled",
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
    externalData: weights.map(({ path, data }) => ({ path, data })),
  });
  const outputs = await session.run(feeds);
  await session.release();
  return { ...outputs };
}

/** Values of the program's outputs that operators make, by name. */
export async function runPieces(
  program: Program,
  pieces: readonly (readonly OperatorId[])[],
  feeds: Readonly<Record<string, ort.Tensor>>,
): Promise<Record<string, ort.Tensor>> {
  const values: Record<string, ort.Tensor> = { ...feeds };
  for (const piece of pieces) {
    const stage = program.stage(piece);
    if (stage.outputs.length === 0) continue;
    Object.assign(values, await runModel(stage.model, Object.fromEntries(stage.inputs.map(({ name }) => [name, values[name]!]))));
  }
  const made = new Set(program.graph.operators.flatMap(({ outputs }) => outputs));
  return Object.fromEntries(
    program.graph.outputs
      .filter((id) => made.has(id))
      .map((id) => [program.graph.tensors[id]!.name, values[program.graph.tensors[id]!.name]!]),
  );
}

/** The operators in a random order that keeps what is read before what reads it, cut at random places: every piece is convex. */
export function randomCut(program: Program, seed: number, pieces: number): OperatorId[][] {
  const random = seededPrng(seed);
  const { operators } = program.graph;
  const maker = new Map<TensorId, OperatorId>();
  operators.forEach(({ outputs }, id) => {
    for (const tensor of outputs) if (tensor !== undefined) maker.set(tensor, id);
  });
  const needs = operators.map((operator) => new Set(readBy(operator).flatMap((tensor) => maker.get(tensor) ?? [])));
  const waiting = needs.map(({ size }) => size);
  const readers: OperatorId[][] = operators.map(() => []);
  needs.forEach((makers, id) => {
    for (const before of makers) readers[before]!.push(id);
  });
  const ready = waiting.flatMap((count, id) => (count === 0 ? [id] : []));
  const order: OperatorId[] = [];
  while (ready.length > 0) {
    const [id] = ready.splice(random.nextBelow(ready.length), 1);
    order.push(id!);
    for (const reader of readers[id!]!) if (--waiting[reader]! === 0) ready.push(reader);
  }
  const ends = Array.from({ length: pieces - 1 }, () => random.nextBelow(order.length + 1)).sort((a, b) => a - b);
  return [0, ...ends].map((from, at) => order.slice(from, ends[at] ?? order.length)).filter((piece) => piece.length > 0);
}

/** Dimensions and bits of values, for comparison. */
export function bitsOf(
  values: Readonly<Record<string, ort.Tensor>>,
): Record<string, { dims: readonly number[]; type: string; bits: string }> {
  return Object.fromEntries(
    Object.entries(values)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { dims, type, data }]) => {
        const bits = Array.isArray(data)
          ? data.join("\n")
          : Buffer.from((data as Float32Array).buffer, (data as Float32Array).byteOffset, (data as Float32Array).byteLength).toString(
              "base64",
            );
        return [name, { dims, type, bits }];
      }),
  );
}

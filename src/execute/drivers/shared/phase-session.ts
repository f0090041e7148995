import type { GraphFormat } from "../../../graph/lower/compute-format.ts";
import type { StageGraph } from "../../../graph/lower/stage-graph.ts";
import { type Feed, type OnnxRuntime, type OnnxSession, precisionOf } from "./onnx-session.ts";

/** A stage's graph of one phase, loaded. */
export interface PhaseSession {
  /** Without the model: its weights live in the session now. */
  readonly graph: Omit<StageGraph, "model">;
  readonly session: OnnxSession;
}

/** Loads the graph of a phase in which its products are in one format. */
export async function loadPhase(
  runtime: OnnxRuntime,
  { model, ...graph }: StageGraph,
  { format, threads, manyRows }: { readonly format: GraphFormat; readonly threads: number; readonly manyRows: boolean },
): Promise<PhaseSession> {
  return { graph, session: await runtime.createSession(model, { threads, precision: precisionOf(format), manyRows }) };
}

/**
 * Past keys and values by the names the graph gives them, behind `prefix`; `feedOf` takes the number of the buffer: keys of the stage's layer i
 * at 2i, values at 2i + 1.
 */
export function pastFeeds({ graph }: PhaseSession, prefix: "" | "prompt.", feedOf: (buffer: number) => Feed): Record<string, Feed> {
  const feeds: Record<string, Feed> = {};
  for (let layer = graph.fromLayer; layer < graph.toLayer; layer++) {
    const buffer = (layer - graph.fromLayer) * 2;
    feeds[`${prefix}k.${layer}`] = feedOf(buffer);
    feeds[`${prefix}v.${layer}`] = feedOf(buffer + 1);
  }
  return feeds;
}

export function floatFeed(data: Float32Array, dims: readonly number[]): Feed {
  return { type: "float32", data, dims };
}

import { loadGraph, type RunnableGraph } from "heddle";
import { modelFile } from "./model-file.ts";

/** A fetched model as a graph that is not cut: each of its runs is one stage on one device. */
export async function loadWhole(file: string, name: string): Promise<RunnableGraph> {
  return { ...(await loadGraph(modelFile(file), { name })), cutAfter: [] };
}

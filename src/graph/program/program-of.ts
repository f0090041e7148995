import type { Graph } from "../ir/graph.ts";
import type { Program } from "./program.ts";

const programs = new WeakMap<Graph, Program>();

/** Lets whoever holds only the graph find the program behind it: a driver that is asked whether it runs an operator compiles it to know. */
export function rememberProgram(program: Program): Program {
  programs.set(program.graph, program);
  return program;
}

/** Undefined for graphs that are structure only, and for copies of a program's graph. */
export function programOf(graph: Graph): Program | undefined {
  return programs.get(graph);
}

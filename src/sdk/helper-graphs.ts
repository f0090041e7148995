import type { TensorType } from "../execute/device/tensor.ts";
import { defineGraph } from "./define-graph.ts";
import type { RunnableGraph } from "./sdk-types.ts";

/** Sizes that nothing is known of but their number. */
function anySizes(rank: number): readonly string[] {
  return Array.from({ length: rank }, (_unused, axis) => `n${axis}`);
}

/** `y` is `x`: what a fork of a state runs. */
export function copyGraph(type: TensorType, rank: number): RunnableGraph {
  return defineGraph(`copy ${type}, ${rank} axes`, (g) =>
    g.output("y", g.op("Identity", [g.input("x", type, anySizes(rank))], { name: "copy" })),
  );
}

/** `sum` of `a` and `b`: what contributions to a state that is reduced are added up with. */
export function sumGraph(type: TensorType, rank: number): RunnableGraph {
  return defineGraph(`sum ${type}, ${rank} axes`, (g) => {
    const [a, b] = ["a", "b"].map((name) => g.input(name, type, anySizes(rank)));
    g.output("sum", g.op("Add", [a!, b!], { name: "add" }));
  });
}

import { constantOf, type Expression } from "../../ir/expression.ts";
import { broadcast } from "../broadcast.ts";
import { factOf } from "../fact.ts";
import { type Rule, text } from "../rule.ts";
import { typeOf } from "./elementwise.ts";

type Shape = readonly Expression[];

/** Source: ONNX operator spec, Einsum: `ij,jk->ik`, an ellipsis stands for broadcast axes. */
export const einsum: Rule = (call) => {
  const shapes = call.inputs.map((input) => input?.shape);
  const known = shapes.every((shape) => shape !== undefined);
  return [
    factOf(
      typeOf(call.inputs),
      known ? summedShape(text(call, "equation", "").replaceAll(" ", ""), shapes as readonly Shape[]) : undefined,
    ),
  ];
};

function summedShape(equation: string, shapes: readonly Shape[]): Shape | undefined {
  const [left = "", right] = equation.split("->");
  const terms = left.split(",");
  if (terms.length !== shapes.length) return undefined;
  const sizes = new Map<string, Expression>();
  const dotted: Shape[] = [];
  for (const [i, term] of terms.entries()) {
    const labels = bound(term, shapes[i]!, sizes);
    if (labels === undefined) return undefined;
    if (term.includes("...")) dotted.push(labels);
  }
  const rest = broadcast(dotted);
  const result = right ?? implied(left);
  const shape = [...result.replace("...", ".")].map((label) => (label === "." ? rest : sizes.has(label) ? [sizes.get(label)!] : undefined));
  return shape.includes(undefined) ? undefined : shape.flatMap((part) => part!);
}

/** Notes the sizes of a term's labels; returns those its ellipsis stands for. */
function bound(term: string, shape: Shape, sizes: Map<string, Expression>): Shape | undefined {
  const [before = "", after] = term.split("...");
  const dots = shape.length - before.length - (after?.length ?? 0);
  if (dots < 0 || (after === undefined && dots > 0)) return undefined;
  const note = (label: string, size: Expression): void => {
    const known = sizes.get(label);
    if (known === undefined || constantOf(known) === undefined || constantOf(known) === 1) sizes.set(label, size);
  };
  [...before].forEach((label, axis) => {
    note(label, shape[axis]!);
  });
  [...(after ?? "")].forEach((label, axis) => {
    note(label, shape[before.length + dots + axis]!);
  });
  return shape.slice(before.length, before.length + dots);
}

/** Without an arrow: the ellipsis, then labels that occur once, in alphabetical order. */
function implied(left: string): string {
  const labels = [...left].filter((label) => /[A-Za-z]/.test(label));
  const once = labels.filter((label) => labels.indexOf(label) === labels.lastIndexOf(label)).sort();
  return `${left.includes("...") ? "..." : ""}${once.join("")}`;
}

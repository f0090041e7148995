import { type Argument, argumentOf } from "./argument.ts";
import { invalid } from "./failures.ts";
import { type Fields, fieldsOf, listOf, own, textOf } from "./json-fields.ts";

/** One call of an operator, as the archive lists it. */
export interface NodeJson {
  readonly name: string;
  readonly target: string;
  readonly inputs: ReadonlyMap<string, Argument>;
  readonly outputs: readonly Argument[];
  /** Modules it was called in, outermost first: `L__self__,,Model;L__self___layers_0,layers.0,Layer`. */
  readonly modules: string;
}

/** Arguments of higher-order operators go by no name. */
export function nodeOf(value: unknown, at: number): NodeJson {
  const fields = fieldsOf(value, `node ${at}`);
  const target = textOf(fields["target"], `node ${at}`);
  const outputs = listOf(fields["outputs"], `node ${at}`);
  const where = `node ${at} (${target.slice(0, 120)})`;
  const inputs = new Map<string, Argument>();
  for (const [index, each] of listOf(fields["inputs"], where).entries()) {
    const named = fieldsOf(each, where);
    const name = own(named, "name");
    const key = typeof name === "string" && name !== "" ? name : String(index);
    if (inputs.has(key)) throw invalid(where, `argument ${key.slice(0, 40)} is there twice`);
    inputs.set(key, argumentOf(named["arg"], where));
  }
  const given = outputs.map((output) => argumentOf(output, where));
  const first = given.find((output) => output.type === "tensor");
  const metadata = own(fields, "metadata");
  const modules = metadata === undefined ? undefined : own(fieldsOf(metadata, where), "nn_module_stack");
  const name = own(fields, "name");
  return {
    name: typeof name === "string" ? name : first?.type === "tensor" ? first.name : `node_${at}`,
    target,
    inputs,
    outputs: given,
    modules: typeof modules === "string" ? modules : "",
  };
}

export function nodesOf(graph: Fields): readonly NodeJson[] {
  return listOf(graph["nodes"], "nodes").map(nodeOf);
}

/** `torch.ops.aten.slice.Tensor` → aten, slice, Tensor. */
export interface OperatorName {
  readonly domain: string;
  readonly type: string;
  readonly overload: string;
}

export function operatorName(target: string): OperatorName {
  const [domain, type, overload] = target.replace(/^torch\.ops\./, "").split(".");
  if (!target.startsWith("torch.ops.") || !domain || !type) return { domain: "python", type: target, overload: "" };
  return { domain, type, overload: overload ?? "default" };
}

/** The innermost module that has a name: `layers.0.attention`. Its own commas and semicolons do not occur in Python names. */
export function scopeOf(modules: string): string {
  const paths = modules.split(";").map((part) => part.split(",")[1] ?? "");
  return paths.findLast((path) => path !== "") ?? "";
}

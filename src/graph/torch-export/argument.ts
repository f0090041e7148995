import { type Fields, fieldsOf, listOf, textOf, unionOf, wholeOf } from "./json-fields.ts";
import { typeOfScalar } from "./scalar-types.ts";

/** A size in an argument: a number, or the name of one that the graph computes. */
export type SizeArgument = number | { readonly name: string };

/** What a node is given or gives. Source: torch/_export/serde/schema.py, Argument. */
export type Argument =
  | { readonly type: "none" }
  | { readonly type: "tensor"; readonly name: string }
  | { readonly type: "tensors"; readonly names: readonly (string | undefined)[] }
  | { readonly type: "size"; readonly size: SizeArgument }
  | { readonly type: "sizes"; readonly sizes: readonly SizeArgument[] }
  | { readonly type: "floats"; readonly values: readonly number[]; readonly isList: boolean }
  | { readonly type: "texts"; readonly values: readonly string[]; readonly isList: boolean }
  | { readonly type: "flag"; readonly value: boolean }
  | { readonly type: "data-type"; readonly name: string }
  | { readonly type: "graph"; readonly name: string; readonly graph: Fields }
  | { readonly type: "operator"; readonly target: string }
  /** Nothing that shapes depend on: a device, a layout, a size that is a fraction or a truth known only at run time. */
  | { readonly type: "other" };

export function argumentOf(value: unknown, where: string): Argument {
  const [kind, content] = unionOf(value, where);
  switch (kind) {
    case "as_none":
      return { type: "none" };
    case "as_tensor":
      return { type: "tensor", name: nameOf(content, where) };
    case "as_tensors":
      return { type: "tensors", names: listOf(content, where).map((each) => nameOf(each, where)) };
    case "as_nested_tensors":
      return { type: "tensors", names: listOf(content, where).flatMap((list) => listOf(list, where).map((each) => nameOf(each, where))) };
    case "as_optional_tensor":
      return optional(content, where);
    case "as_optional_tensors":
      return {
        type: "tensors",
        names: listOf(content, where).map((each) => {
          const found = optional(each, where);
          return found.type === "tensor" ? found.name : undefined;
        }),
      };
    case "as_int":
      return { type: "size", size: wholeOf(content, where) };
    case "as_ints":
      return { type: "sizes", sizes: listOf(content, where).map((each) => wholeOf(each, where)) };
    case "as_sym_int":
      return { type: "size", size: sizeArgument(content, where) };
    case "as_sym_ints":
      return { type: "sizes", sizes: listOf(content, where).map((each) => sizeArgument(each, where)) };
    case "as_float":
      return { type: "floats", values: [floatOf(content, where)], isList: false };
    case "as_floats":
      return { type: "floats", values: listOf(content, where).map((each) => floatOf(each, where)), isList: true };
    case "as_string":
      return { type: "texts", values: [textOf(content, where)], isList: false };
    case "as_strings":
      return { type: "texts", values: listOf(content, where).map((each) => textOf(each, where)), isList: true };
    case "as_bool":
      return { type: "flag", value: content === true };
    case "as_scalar_type":
      return { type: "data-type", name: typeOfScalar(wholeOf(content, where)) };
    case "as_graph": {
      const { name, graph } = fieldsOf(content, where);
      return { type: "graph", name: textOf(name, where), graph: fieldsOf(graph, where) };
    }
    case "as_operator":
      return { type: "operator", target: textOf(content, where) };
    default:
      return { type: "other" };
  }
}

/** Names of tensors an argument holds, absent ones as undefined. */
export function tensorsOf(argument: Argument): readonly (string | undefined)[] {
  if (argument.type === "tensor") return [argument.name];
  return argument.type === "tensors" ? argument.names : [];
}

export function nameOf(value: unknown, where: string): string {
  return textOf(fieldsOf(value, where)["name"], where);
}

function optional(value: unknown, where: string): Argument {
  const [kind, content] = unionOf(value, where);
  return kind === "as_tensor" ? { type: "tensor", name: nameOf(content, where) } : { type: "none" };
}

function sizeArgument(value: unknown, where: string): SizeArgument {
  const [kind, content] = unionOf(value, where);
  return kind === "as_int" ? wholeOf(content, where) : { name: textOf(content, where) };
}

/** Numbers that JSON has not are texts. */
function floatOf(value: unknown, where: string): number {
  return typeof value === "number" ? value : Number(textOf(value, where));
}

import { constantOf, type Expression, textOf } from "../ir/expression.ts";
import type { AttributeValue } from "../ir/graph.ts";
import type { Argument, SizeArgument } from "./argument.ts";

/** Arguments that are no tensors, by their names; a size that only a run tells is its text. */
export function attributesOf(
  inputs: ReadonlyMap<string, Argument>,
  overload: string,
  sizeOf: (name: string) => Expression | undefined,
): Record<string, AttributeValue> {
  const value = (size: SizeArgument): number | string => {
    if (typeof size === "number") return size;
    const known = sizeOf(size.name);
    return known === undefined ? size.name : (constantOf(known) ?? textOf(known));
  };
  const entries = [...inputs].flatMap(([name, argument]): [string, AttributeValue][] => {
    switch (argument.type) {
      case "size":
        return [[name, value(argument.size)]];
      case "sizes": {
        const list = argument.sizes.map(value);
        return [[name, list.every((each) => typeof each === "number") ? (list as number[]) : list.map(String)]];
      }
      case "floats":
      case "texts":
        return [[name, argument.isList ? argument.values : argument.values[0]!]];
      case "flag":
        return [[name, argument.value]];
      case "data-type":
        return [[name, argument.name]];
      case "operator":
        return [[name, argument.target]];
      default:
        return [];
    }
  });
  return Object.fromEntries(overload === "default" || overload === "" ? entries : [...entries, ["overload", overload]]);
}

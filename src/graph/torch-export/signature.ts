import { type Argument, argumentOf, nameOf } from "./argument.ts";
import { type Fields, fieldsOf, listOf, own, textOf, unionOf } from "./json-fields.ts";

/** What each input of the graph is. Source: torch/_export/serde/schema.py, InputSpec. */
export interface InputSpec {
  readonly kind: "user" | "parameter" | "buffer" | "constant" | "other";
  /** The graph's name of the tensor; undefined for inputs that are none. */
  readonly tensor: string | undefined;
  /** The model's name: `layers.0.k_cache`. */
  readonly target: string;
}

/** What each output is; a mutation takes the place of a buffer or input in the next run. */
export interface OutputSpec {
  readonly kind: "user" | "mutation" | "other";
  readonly argument: Argument;
  /** The buffer's name in the model, or the name of the user's input. */
  readonly target: string | undefined;
}

const INPUTS: Readonly<Record<string, { readonly kind: InputSpec["kind"]; readonly target: string }>> = {
  parameter: { kind: "parameter", target: "parameter_name" },
  buffer: { kind: "buffer", target: "buffer_name" },
  tensor_constant: { kind: "constant", target: "tensor_constant_name" },
};

const MUTATIONS: Readonly<Record<string, string>> = {
  buffer_mutation: "buffer_name",
  user_input_mutation: "user_input_name",
  parameter_mutation: "parameter_name",
};

export function inputSpecs(signature: Fields): readonly InputSpec[] {
  return listOf(signature["input_specs"], "input_specs").map((value, at) => {
    const where = `input ${at}`;
    const [choice, content] = unionOf(value, where);
    const fields = fieldsOf(content, where);
    if (Object.hasOwn(INPUTS, choice)) {
      const { kind, target } = INPUTS[choice]!;
      return { kind, tensor: nameOf(fields["arg"], where), target: textOf(fields[target], where) };
    }
    if (choice !== "user_input") return { kind: "other", tensor: undefined, target: "" };
    const argument = argumentOf(fields["arg"], where);
    const tensor = argument.type === "tensor" ? argument.name : undefined;
    return { kind: "user", tensor, target: tensor ?? "" };
  });
}

export function outputSpecs(signature: Fields): readonly OutputSpec[] {
  return listOf(signature["output_specs"], "output_specs").map((value, at) => {
    const where = `output ${at}`;
    const [choice, content] = unionOf(value, where);
    const fields = fieldsOf(content, where);
    if (Object.hasOwn(MUTATIONS, choice)) {
      const argument: Argument = { type: "tensor", name: nameOf(fields["arg"], where) };
      return { kind: "mutation", argument, target: textOf(fields[MUTATIONS[choice]!], where) };
    }
    if (choice !== "user_output") return { kind: "other", argument: { type: "other" }, target: undefined };
    return { kind: "user", argument: argumentOf(own(fields, "arg"), where), target: undefined };
  });
}

/** Names of an input and the output that takes its place in the next run. */
export interface StatePair {
  readonly input: string;
  readonly output: string;
  readonly kind: "kv" | "recurrent";
}

/** Ways in which exporters name what comes out, made from what went in. */
const KV: readonly ((input: string) => string)[] = [
  (name) => name.replace("past_key_values", "present"),
  (name) => name.replace("past_key_values", "present_key_values"),
  (name) => name.replace("past", "present"),
];
const RECURRENT: readonly ((input: string) => string)[] = [
  (name) => `${name}N`,
  (name) => `${name}n`,
  (name) => `${name}_n`,
  (name) => `${name}_out`,
  (name) => `new_${name}`,
  (name) => `next_${name}`,
  (name) => name.replace(/0$/, "n"),
  (name) => name.replace(/_in$/, "_out"),
  (name) => name.replace(/^in_/, "out_"),
  (name) => name.replace(/^input_/, "output_"),
];
/** Other inputs are no state, however their names end. */
const STATE_NAME = /state|hidden|cell|cache|^(in_)?[hc](_?0|_in|n)?$/i;

/** Inputs and outputs that are one state, where exactly one output can be meant and no other input means it. */
export function pairStates(inputs: readonly string[], outputs: readonly string[]): StatePair[] {
  const pairs = inputs.flatMap((input): StatePair[] => {
    const isKv = input.includes("past");
    if (!isKv && !STATE_NAME.test(input)) return [];
    const names = new Set((isKv ? KV : RECURRENT).map((name) => name(input)).filter((name) => name !== input));
    const [output, more] = outputs.filter((name) => names.has(name));
    return output === undefined || more !== undefined ? [] : [{ input, output, kind: isKv ? "kv" : "recurrent" }];
  });
  return pairs.filter(({ output }) => pairs.filter((other) => other.output === output).length === 1);
}

import { quantity } from "../base/quantity.ts";
import type { Inspection } from "../inspect/inspection.ts";
import type { KeptState } from "../inspect/state-size.ts";

/** More states than this are told as a sum. */
const MAX_STATES = 6;

/** What a graph keeps from run to run. */
export function stateLines(states: readonly KeptState[]): readonly string[] {
  if (states.length === 0) return ["state       none"];
  const sum = (field: "bytes" | "bytesPerToken"): number => states.reduce((total, state) => total + state[field], 0);
  const growth = (bytes: number): string => (bytes === 0 ? "whatever the length" : `${bytes} B more with each token of every sequence`);
  const whole = `state       ${quantity(sum("bytes"), "B")} after the run, ${growth(sum("bytesPerToken"))}`;
  const rows = states.slice(0, MAX_STATES).map(({ name, kind, type, shape, bytes, bytesPerToken }) => {
    const text = `${kind} ${name}: ${type} [${shape.join(", ")}], ${quantity(bytes, "B")}`;
    return `            ${bytesPerToken === 0 ? text : `${text}, ${bytesPerToken} B a token`}`;
  });
  return states.length > MAX_STATES ? [whole, ...rows, `            and ${states.length - MAX_STATES} more`] : [whole, ...rows];
}

/** Operators the figures leave out: said before any figure. */
export function unknownLines({ unknownWork = [] }: Inspection): readonly string[] {
  if (unknownWork.length === 0) return [];
  const rows = unknownWork.map(({ domain, type, count, reason }) => `            ${count} x ${domain} ${type}: ${reason}`);
  return [["unknown     work of these operators is not in the figures below:", ...rows].join("\n")];
}

/** How the figures of a graph were made, and at which sizes. */
export function graphNotes({ sizes = [], groups, parameters }: Inspection): readonly string[] {
  const named = (basis: "given" | "default" | "open"): string =>
    sizes
      .filter((size) => size.basis === basis)
      .map(({ symbol, value }) => `${symbol} ${value}`)
      .join(", ");
  const defaults = named("default");
  const open = sizes.filter(({ basis }) => basis === "open");
  const kinds = new Set(groups.flatMap(({ operators }) => operators.map(({ type }) => type)));
  return [
    ...(defaults === "" ? [] : [`sizes that were not given: ${defaults}; --size name=value gives others`]),
    ...(open.length === 0 ? [] : [openNote(open.map(({ symbol }) => symbol))]),
    ...(kinds.has("If") ? ["of the branches of an If the one that does most at these sizes counts"] : []),
    ...(parameters.total > 0
      ? ["weights are read as they are stored; what is made of them alone is made when the model is loaded, and read in the smaller form"]
      : []),
    "calculated from the graph, nothing is measured; 2 operations a multiply-add, none for norms, activations, sums, pooling and moves",
    "every operator reads its inputs from memory and writes its output; look-ups read the rows they give, views move nothing, states are appended in place",
    ...(["MoE", "QMoE"].some((type) => kinds.has(type))
      ? ["experts read: as many as tokens that choose at random visit; real routing visits fewer"]
      : []),
  ];
}

const NAMED_OPEN = 4;

function openNote(symbols: readonly string[]): string {
  const named = symbols.slice(0, NAMED_OPEN).join(", ");
  const more = symbols.length > NAMED_OPEN ? `, … ${symbols.length} in all` : "";
  return `sizes that only a run tells count 1: ${named}${more}; --size gives them values`;
}

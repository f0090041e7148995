import type { Access, State } from "../ir/graph.ts";
import { isInPlace, plainName } from "../shapes/aten/rule-table.ts";
import { tensorsOf } from "./argument.ts";
import { type NodeJson, operatorName } from "./graph-json.ts";
import { isUpdate, isView } from "./view-operators.ts";

/** What a call does to a state, by the graph's names; `tensor` is the operand or result that is the state's content. */
export interface StateAccess {
  readonly state: string;
  readonly mode: Access["mode"];
  readonly tensor: string;
}

/** Where the memory of states flows in a graph: through views of it, and through updates that stand for writes in place. */
export interface StateFlow {
  /** Names of the graph's inputs that a run changes. */
  readonly states: ReadonlySet<string>;
  accesses(node: NodeJson): readonly StateAccess[];
}

/** Inputs that lists of outputs say are changed, and those that operators write in place. `mutations`: output tensor to input tensor. */
export function traceStates(nodes: readonly NodeJson[], inputs: readonly string[], mutations: ReadonlyMap<string, string>): StateFlow {
  const states = new Set(mutations.values());
  const memory = new Map(inputs.map((name) => [name, name]));
  for (const node of nodes) {
    const written = writtenInPlace(node);
    const base = memory.get(firstTensor(node) ?? "");
    if (base === undefined) continue;
    if (written) states.add(base);
    if (written || keeps(node)) for (const output of outputsOf(node)) memory.set(output, base);
  }
  const baseOf = (tensor: string): string | undefined => {
    const base = memory.get(tensor);
    return base !== undefined && states.has(base) ? base : undefined;
  };
  return {
    states,
    accesses: (node) => {
      const found = new Map<string, StateAccess>();
      const add = (mode: Access["mode"], tensor: string | undefined, state = baseOf(tensor ?? "")): void => {
        if (state !== undefined && tensor !== undefined) found.set(`${state} ${mode} ${tensor}`, { state, mode, tensor });
      };
      const [first, ...others] = [...node.inputs.values()].flatMap(tensorsOf).filter((name) => name !== undefined);
      const target = baseOf(first ?? "");
      const isWrite = writtenInPlace(node) || isUpdate(plainName(operatorName(node.target).type));
      if (target === undefined || !(isWrite || isViewed(node))) {
        for (const name of [first, ...others]) add("read", name);
      } else if (isWrite && !others.some((name) => baseOf(name) === target)) {
        // A view that is put back where it came from is no second write.
        add("write", outputsOf(node)[0] ?? first, target);
        for (const name of others) add("read", name);
      }
      for (const output of outputsOf(node)) {
        const state = mutations.get(output);
        if (state !== undefined && baseOf(output) !== state) add("write", output, state);
      }
      return [...found.values()];
    },
  };
}

/** A part of a cache of keys and values is appended, whole states are written. */
export function modeOn(kind: State["kind"], mode: Access["mode"]): Access["mode"] {
  return kind === "kv" && mode === "write" ? "append" : mode;
}

function firstTensor(node: NodeJson): string | undefined {
  return [...node.inputs.values()].flatMap(tensorsOf).find((name) => name !== undefined);
}

function outputsOf(node: NodeJson): readonly string[] {
  return node.outputs.flatMap(tensorsOf).filter((name) => name !== undefined);
}

function writtenInPlace(node: NodeJson): boolean {
  const { domain, type } = operatorName(node.target);
  return domain === "aten" && isInPlace(type) && !isView(plainName(type)) && type !== "requires_grad_";
}

function isViewed(node: NodeJson): boolean {
  const { domain, type } = operatorName(node.target);
  return domain === "aten" && isView(plainName(type));
}

function keeps(node: NodeJson): boolean {
  const { domain, type } = operatorName(node.target);
  return domain === "aten" && (isView(type) || isUpdate(type));
}

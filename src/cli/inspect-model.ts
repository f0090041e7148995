import { graphOf } from "../graph/architecture/build/build-architecture.ts";
import { symbolsOf } from "../graph/ir/expression.ts";
import { formulaOf } from "../graph/ir/formula.ts";
import { type DataType, ELEMENT_BYTES, type Graph } from "../graph/ir/graph.ts";
import { inspectGraph } from "../inspect/inspect-graph.ts";
import { type Inspection, inspect } from "../inspect/inspection.ts";
import { graphSymbols, inputSymbols } from "../inspect/run-sizes.ts";
import { type StatedWork, speaksOf, withStatedWork } from "../inspect/stated-work.ts";
import type { ArchitectureSource, GraphSource, InspectSource } from "./inspect-source.ts";
import { TYPES } from "./model-options.ts";
import { refusal, sizesFrom, symbolList } from "./size-options.ts";

/** What `heddle inspect` is asked about a model. */
export interface ModelFlags {
  readonly dtype?: string;
  readonly kvDtype?: string;
  readonly batch?: number;
  readonly prompt?: number;
  readonly context?: number;
  /** `name=value` each. */
  readonly size?: readonly string[];
  /** `type=flops` or `type=flops,bytes` each. */
  readonly work?: readonly string[];
}

/** A model with the graph that was looked at. */
export interface InspectedModel {
  readonly inspection: Inspection;
  readonly graph: Graph;
  /** Tokens a sequence may have, where the configuration says so. */
  readonly contextLength: number | undefined;
}

/** Errors: `usage` where an option does not apply to the model, those of the reader otherwise. */
export function inspectedModel(source: InspectSource, flags: ModelFlags): InspectedModel {
  const stated = (flags.work ?? []).map(statedWork);
  if (source.kind === "graph") return ofGraph(stated.length === 0 ? source : withWork(source, stated), flags);
  if (stated.length > 0) throw refusal(`--work ${flags.work?.[0]}`, "the work of every operator of a configuration is known");
  return ofArchitecture(source, flags);
}

function statedWork(text: string): StatedWork {
  const [, operator, flops, bytes] = /^([^=]+)=([^,]+)(?:,([^,]+))?$/.exec(text) ?? [];
  const formulas = [flops ?? "", ...(bytes === undefined ? [] : [bytes])];
  if (operator === undefined || flops === undefined || formulas.some((formula) => formulaOf(formula) === undefined))
    throw refusal(`--work ${text}`, "type=operations or type=operations,bytes is wanted, sums of products of numbers and sizes");
  return { operator: operator.trim(), flops, bytes };
}

/** Errors: `usage` where no operator is of that type, or a formula names a size the graph does not have. */
function withWork(source: GraphSource, stated: readonly StatedWork[]): GraphSource {
  const known = [...graphSymbols(source.graph)];
  for (const one of stated) {
    if (!speaksOf(source.graph, one))
      throw refusal(`--work ${one.operator}`, "no operator is of this type; `heddle inspect` lists those of unknown work");
    const names = [one.flops, one.bytes ?? "0"].flatMap((formula) => symbolsOf(formulaOf(formula)!));
    const strange = names.find((name) => !known.includes(name));
    if (strange !== undefined) throw refusal(`--work ${one.operator}: ${strange}`, symbolList(known));
  }
  return { ...source, graph: withStatedWork(source.graph, stated), at: (sizes) => withStatedWork(source.at(sizes), stated) };
}

function ofArchitecture({ name, architecture }: ArchitectureSource, flags: ModelFlags): InspectedModel {
  if (flags.size !== undefined && flags.size.length > 0)
    throw refusal(`--size ${flags.size[0]}`, "a configuration has the sizes --batch, --prompt and --context");
  const type = typeFrom("--dtype", flags.dtype) ?? architecture.type ?? "bf16";
  const { batch = 1, prompt, context } = flags;
  const kvType = typeFrom("--kv-dtype", flags.kvDtype) ?? type;
  return {
    inspection: inspect(architecture, { name, type, kvType, batch, prompt, context }),
    graph: graphOf(architecture, { name, type, kvType }),
    contextLength: architecture.kind === "recommender" ? undefined : architecture.contextLength,
  };
}

function ofGraph(source: GraphSource, flags: ModelFlags): InspectedModel {
  for (const [flag, value] of [["--dtype", flags.dtype] as const, ["--kv-dtype", flags.kvDtype] as const]) {
    if (value !== undefined) throw refusal(`${flag} ${value}`, "the file says which type every tensor has");
  }
  const sizes = sizesFrom(source, flags);
  const first = inspectGraph(source.graph, { name: source.name, sizes, ...rangesOf(source) });
  const open: InspectedModel = { inspection: first, graph: source.graph, contextLength: undefined };
  if (!first.unknownWork?.some(({ reason }) => reason === "sizes not known")) return open;
  // With numbers for sizes the reader can decide choices and finish shape arithmetic; formulas are then numbers as well.
  const known = first.sizes?.filter(({ symbol, basis }) => basis !== "open" && inputSymbols(source.graph).includes(symbol)) ?? [];
  const bound = Object.fromEntries(known.map(({ symbol, value }) => [symbol, value]));
  const graph = source.at(bound);
  const again = inspectGraph(graph, {
    name: source.name,
    sizes,
    ...rangesOf(source),
    notes: ["some sizes follow from others only as numbers: formulas hold at the sizes of this run"],
  });
  if (unknownCount(again) >= unknownCount(first)) return open;
  const others = again.sizes?.filter(({ symbol }) => !known.some((each) => each.symbol === symbol)) ?? [];
  const phases = again.phases.map((phase) => ({ ...phase, text: first.phases[0]!.text }));
  return { ...open, inspection: { ...again, sizes: [...known, ...others], phases }, graph };
}

function rangesOf({ ranges }: GraphSource): Pick<GraphSource, "ranges"> {
  return ranges === undefined ? {} : { ranges };
}

function unknownCount({ unknownWork = [] }: Inspection): number {
  return unknownWork.reduce((sum, { count }) => sum + count, 0);
}

function typeFrom(flag: string, text: string | undefined): DataType | undefined {
  if (text === undefined) return undefined;
  const known = TYPES.find((type) => type === text && ELEMENT_BYTES[type] > 0);
  if (known === undefined) throw refusal(`${flag} ${text}`, `possible: ${TYPES.join(", ")}`);
  return known;
}

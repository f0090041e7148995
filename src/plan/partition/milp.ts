import { assert } from "../../base/assert.ts";
import { components } from "./components.ts";
import { listsOf } from "./csr.ts";
import { type Assignment, checkProblem, deviceTypes, type PartitionProblem } from "./problem.ts";

/** A mixed-integer programme that another solver can read. */
export interface PlacementMilp {
  /** In CPLEX LP format. Column `x<node>_<device>` is 1 where the node lies there; `T` is the largest load. */
  readonly text: string;
  /** The largest load is `T` times this. */
  readonly scale: number;
}

/**
 * The throughput objective as a mixed-integer programme, written from nodes and edges alone: it shares nothing with the search but the problem.
 *
 * Model: x = node on device (binary); y >= |x of maker - x of reader| on each device for each reader of an output, so y = 1 where the device pays the
 * output's cost, as maker or as reader, once; load = times x + factor x cost x y <= T. Nodes of one colour, and nodes on a cycle, have equal x. Like devices
 * are told apart by the order of nodes, largest first: the first is on the first device, the second on one of the first two, and so on.
 * With `below`, solutions of a larger load are none: a programme without a solution proves that no assignment is that good.
 * Units: times are divided by `scale`, bytes by the memory of the device, so that a solver's absolute tolerances mean shares.
 * Source: Tarnawski et al., NeurIPS 2020, section 4, without contiguity.
 */
export function placementMilp(problem: PartitionProblem, { below = Infinity }: { readonly below?: number } = {}): PlacementMilp {
  checkProblem(problem);
  const { types, nodes } = problem;
  const typeOf = deviceTypes(types);
  assert(nodes.length > 0 && typeOf.length > 0, "a programme has nodes and devices");
  const least = nodes.map(({ times }) => Math.min(...times.filter((time) => time < Infinity)));
  const scale = least.reduce((sum, time) => sum + (time < Infinity ? time : 0), 0) / typeOf.length || 1;
  const rows = [
    ...placeRows(problem),
    ...payRows(problem, typeOf),
    ...loadRows(problem, { typeOf, scale }),
    ...memoryRows(problem, typeOf),
  ];
  const fixed = [...(below < Infinity ? [` T <= ${below / scale}`] : []), ...forbidden(problem, { typeOf, least })];
  const binaries = nodes.flatMap((_node, i) => Array.from(typeOf, (_type, d) => `x${i}_${d}`));
  const text = [
    "Minimize",
    " obj: T",
    "Subject To",
    ...rows,
    "Bounds",
    ...fixed,
    "Binaries",
    ...binaries.map((name) => ` ${name}`),
    "End",
    "",
  ];
  return { text: text.join("\n"), scale };
}

/** The assignment in a solution: values of columns by name. */
export function assignmentOf({ types, nodes }: PartitionProblem, columnValue: (name: string) => number): Assignment {
  const devices = deviceTypes(types).length;
  return Int32Array.from(nodes, (_node, i) => {
    let best = 0;
    for (let d = 1; d < devices; d++) if (columnValue(`x${i}_${d}`) > columnValue(`x${i}_${best}`)) best = d;
    return best;
  });
}

/** Every node on one device, and nodes that must share one on the same. */
function placeRows(problem: PartitionProblem): string[] {
  const devices = Array.from(deviceTypes(problem.types).keys());
  const rows = problem.nodes.map((_node, i) => ` one${i}: ${devices.map((d) => `x${i}_${d}`).join(" + ")} = 1`);
  for (const [a, b] of tied(problem)) for (const d of devices) rows.push(` tie${a}_${b}_${d}: x${a}_${d} - x${b}_${d} = 0`);
  return rows;
}

/** Pairs of nodes that share a device: each with the first of its colour, and of its cycle. */
function tied({ nodes, edges }: PartitionProblem): readonly (readonly [number, number])[] {
  const targets: number[][] = nodes.map(() => []);
  for (const [source, target] of edges) targets[source]!.push(target);
  const cycles = components(listsOf(targets)).componentOf;
  const first = new Map<string, number>();
  return nodes.flatMap(({ colour }, i) =>
    [`cycle ${cycles[i]}`, ...(colour === undefined ? [] : [`colour ${colour}`])].flatMap((key) => {
      const other = first.get(key);
      if (other === undefined) first.set(key, i);
      return other === undefined ? [] : [[other, i] as const];
    }),
  );
}

/** Whether an output costs a device of this type anything. */
function pays({ types, nodes }: PartitionProblem, source: number, type: number): boolean {
  return nodes[source]!.outputCost > 0 && types[type]!.transferFactor > 0;
}

function payRows(problem: PartitionProblem, typeOf: Int32Array): string[] {
  const distinct = new Set(problem.edges.map(([source, target]) => `${source}_${target}`));
  return [...distinct].flatMap((edge) => {
    const [source, target] = edge.split("_").map(Number) as [number, number];
    return Array.from(typeOf.keys())
      .filter((d) => pays(problem, source, typeOf[d]!))
      .flatMap((d) => [
        ` out${edge}_${d}: y${source}_${d} - x${source}_${d} + x${target}_${d} >= 0`,
        ` in${edge}_${d}: y${source}_${d} - x${target}_${d} + x${source}_${d} >= 0`,
      ]);
  });
}

function loadRows(problem: PartitionProblem, { typeOf, scale }: { readonly typeOf: Int32Array; readonly scale: number }): string[] {
  const made = new Set(problem.edges.map(([source]) => source));
  return Array.from(typeOf, (type, d) => {
    const terms = problem.nodes.flatMap(({ times, outputCost }, i) => [
      ...(times[type]! > 0 && times[type]! < Infinity ? [`${times[type]! / scale} x${i}_${d}`] : []),
      ...(made.has(i) && pays(problem, i, type) ? [`${(problem.types[type]!.transferFactor * outputCost) / scale} y${i}_${d}`] : []),
    ]);
    return ` load${d}: ${terms.join(" + ")} - T <= 0`;
  });
}

function memoryRows({ types, nodes }: PartitionProblem, typeOf: Int32Array): string[] {
  return Array.from(typeOf.keys()).flatMap((d) => {
    const { memoryBytes } = types[typeOf[d]!]!;
    const held = nodes.flatMap(({ bytes }, i) => (bytes > 0 && memoryBytes > 0 ? [`${bytes / memoryBytes} x${i}_${d}`] : []));
    return memoryBytes < Infinity && held.length > 0 ? [` memory${d}: ${held.join(" + ")} <= 1`] : [];
  });
}

/** Columns that are 0: no support, no room at all, or a like device that comes first. */
function forbidden(
  { types, nodes }: PartitionProblem,
  { typeOf, least }: { readonly typeOf: Int32Array; readonly least: readonly number[] },
): string[] {
  const order = Array.from(nodes.keys()).sort((a, b) => least[b]! - least[a]! || a - b);
  const rank = new Int32Array(nodes.length);
  order.forEach((i, at) => {
    rank[i] = at;
  });
  const first = Int32Array.from(types, (_type, t) => typeOf.indexOf(t));
  return nodes.flatMap(({ times, bytes }, i) =>
    Array.from(typeOf.keys())
      .filter((d) => times[typeOf[d]!] === Infinity || bytes > types[typeOf[d]!]!.memoryBytes || d - first[typeOf[d]!]! > rank[i]!)
      .map((d) => ` x${i}_${d} = 0`),
  );
}

/** Which layer may import which; the one list behind dependency-cruiser's rules and tidy's purity check. */
const BELOW_COST = ["base", "clock", "graph", "rack"];
const BELOW_POLICY = [...BELOW_COST, "cost", "inspect", "state", "plan"];
const BELOW_SIMULATE = [...BELOW_POLICY, "policy", "engine", "fleet"];

export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  clock: ["base"],
  graph: ["base", "clock"],
  rack: ["base", "clock", "graph"],
  cost: BELOW_COST,
  inspect: [...BELOW_COST, "cost"],
  state: [...BELOW_COST, "cost"],
  plan: [...BELOW_COST, "cost", "inspect", "state"],
  policy: BELOW_POLICY,
  engine: [...BELOW_POLICY, "policy"],
  fleet: [...BELOW_POLICY, "policy", "engine"],
  simulate: BELOW_SIMULATE,
  page: [...BELOW_COST, "cost", "inspect"],
  telemetry: ["base"],
  trace: ["base", "graph", "rack"],
  execute: [...BELOW_SIMULATE, "telemetry", "trace"],
  serve: [...BELOW_SIMULATE, "telemetry", "execute"],
  sdk: [...BELOW_SIMULATE, "simulate", "telemetry", "trace", "execute"],
  cli: [...BELOW_SIMULATE, "telemetry", "trace", "simulate", "execute", "serve", "sdk"],
};

/** Layers that know no clock, chance, I/O or Node; they run in a browser unchanged. */
export const PURE_LAYERS: readonly string[] = [
  "base",
  "clock",
  "rack",
  "graph",
  "cost",
  "inspect",
  "state",
  "plan",
  "policy",
  "engine",
  "fleet",
  "simulate",
  "trace",
];

/** Layer of a path such as `src/engine/ledger.ts`; undefined for files that belong to none. */
export function layerOf(path: string): string | undefined {
  const match = /^src\/([a-z]+)\//.exec(path);
  return match?.[1];
}

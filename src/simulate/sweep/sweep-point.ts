import { HeddleError } from "../../base/heddle-error.ts";
import type { Change } from "../../plan/deployment/change.ts";
import { type BeforeChange, changeDeployment } from "../../plan/deployment/change-deployment.ts";
import type { Deployment } from "../../plan/deployment/deployment.ts";
import type { DeviceSheet, Figure } from "../../rack/catalog/device-sheet.ts";
import type { WorkloadScale } from "../workload/columns/scale-columns.ts";
import type { AdapterLaw } from "../workload/generate/adapter-draw.ts";

/** What one point of a sweep runs. */
export interface SweepPoint {
  readonly deployment: Deployment;
  readonly sheets: ReadonlyMap<string, DeviceSheet>;
  readonly scale: WorkloadScale;
  /** By which requests get other adapters than they have; absent: they keep them. */
  readonly adapters?: AdapterLaw;
  readonly seed: number;
}

export interface SweepBase {
  readonly deployment: Deployment;
  /** By the name that the deployment gives the device; devices that a point brings in are asked for. */
  readonly sheetOf: (device: string) => DeviceSheet;
  readonly seed: number;
  /** By which the workload's requests got adapters (`--adapters`), where they did: its counts and ranks may vary. */
  readonly adapters?: AdapterLaw;
  /** What the deployment's file left out, and how sheets are found for what takes its place. */
  readonly before?: BeforeChange;
  /** Operators are priced from what devices are built of (`--operators tile`), so clocks, local memories and caches may vary. */
  readonly tiles?: boolean;
}

const FACTORS: readonly string[] = ["rate", "length", "prompt", "output"];

/**
 * A deployment, devices and workload with the values of a point. A changed figure is `derived`, and its source says of what.
 *
 * Errors: `usage` naming a path that leads nowhere; `deployment-invalid` naming the field of a value that cannot be; those of `sheetOf`.
 */
export function sweepPoint(base: SweepBase, changes: readonly Change[]): SweepPoint {
  const of = (start: string): Change[] => changes.filter(({ path }) => path === start || path.startsWith(`${start}.`));
  const drawn = of("workload.adapters");
  const scaled = of("workload").filter((change) => !drawn.includes(change));
  const outside = [...of("sheet"), ...scaled, ...drawn, ...of("seed")];
  const inside = changes.filter((change) => !outside.includes(change));
  const deployment = inside.length === 0 ? base.deployment : changeDeployment(base.deployment, inside, base.before).deployment;
  const sheets = new Map(
    deployment.pools
      .flatMap(({ device, ffn }) => [device, ...(ffn === undefined ? [] : [ffn.device])])
      .map((device) => [device, base.sheetOf(device)]),
  );
  for (const change of of("sheet")) changeSheet(sheets, change, { pools: deployment.pools, tiles: base.tiles === true });
  const adapters = drawn.reduce<AdapterLaw | undefined>((law, change) => changedLaw(law, change), base.adapters);
  return {
    deployment,
    sheets,
    scale: scaleOf(scaled),
    ...(drawn.length > 0 && { adapters: adapters! }),
    seed: seedOf(of("seed"), base.seed),
  };
}

const ADAPTERS_MAX = 1_000_000;
const RANK_MAX = 4096;

/** The law with another count, or one rank for all. */
function changedLaw(law: AdapterLaw | undefined, { path, value }: Change): AdapterLaw {
  if (law === undefined) throw wrong(path, "--adapters gives requests the adapters whose count and rank vary");
  const name = path.slice("workload.adapters.".length);
  if (name !== "count" && name !== "rank") throw wrong(path, "of adapters count and rank vary");
  const number = Number(value);
  const most = name === "count" ? ADAPTERS_MAX : RANK_MAX;
  if (!(Number.isInteger(number) && number >= 1 && number <= most)) throw wrong(path, `${value} is no whole number from 1 to ${most}`);
  return name === "count" ? { ...law, count: number } : { ...law, ranks: [number] };
}

function changeSheet(
  sheets: Map<string, DeviceSheet>,
  { path, value }: Change,
  { pools, tiles }: { readonly pools: Deployment["pools"]; readonly tiles: boolean },
): void {
  const rest = path.slice("sheet.".length);
  // A device's name may hold dots.
  const device = [...sheets.keys()].find((name) => rest.startsWith(`${name}.`));
  if (device === undefined) throw wrong(path, `no pool is of that device; there are ${[...sheets.keys()].join(", ")}`);
  const sheet = sheets.get(device)!;
  const field = rest.slice(device.length + 1);
  const changed = withFigure(sheet, field.split("."), { path, value });
  if (!tiles && OF_TILES.includes(field)) throw wrong(path, "no price of a sweep reads it without --operators tile");
  if (UNREAD.includes(field)) throw wrong(path, "no price of a sweep reads it");
  const loads = pools.some(({ device: own, lora }) => own === device && lora !== undefined && lora.hostBytesPerSecond === undefined);
  if (field === "host.bandwidthBytesPerSecond" && sheet.scaleUp !== undefined && !loads)
    throw wrong(path, "devices of this sheet exchange over its scaleUp links, and nothing else goes over the host's");
  sheets.set(device, changed);
}

/** Figures that only prices from tiles depend on, and those that none does: varying them would say that they do not matter. */
const OF_TILES: readonly string[] = ["cores.clockHz", "cores.localBytes", "cache.bandwidthBytesPerSecond"];
const UNREAD: readonly string[] = ["scaleUp.latencyNs", "host.latencyNs"];

/** The sheet with one figure otherwise. */
function withFigure<T extends object>(node: T, [step, ...steps]: readonly string[], change: Change): T {
  const fields = node as Readonly<Record<string, unknown>>;
  const next = step === undefined || !Object.hasOwn(fields, step) ? undefined : fields[step];
  if (typeof next !== "object" || next === null) throw wrong(change.path, `its sheet has no figure ${step ?? "there"}`);
  return { ...node, [step!]: steps.length === 0 ? changedFigure(next, change) : withFigure(next, steps, change) };
}

function changedFigure(figure: object, { path, value }: Change): Figure {
  if (!isFigure(figure)) throw wrong(path, "no figure stands there, but parts with figures");
  const factor = /^x(\d+(?:\.\d+)?)$/.exec(value);
  const number = factor === null ? Number(value) : figure.value * Number(factor[1]);
  if (!(number > 0 && Number.isFinite(number)) || value.trim() === "")
    throw wrong(path, `${value} is no number above 0, and no factor such as x2`);
  return { value: number, basis: "derived", source: `sweep: ${value} instead of ${figure.value} (${figure.source})` };
}

function isFigure(value: object): value is Figure {
  return "value" in value && "basis" in value;
}

function scaleOf(changes: readonly Change[]): WorkloadScale {
  const factors = new Map<string, number>();
  for (const { path, value } of changes) {
    const name = path.slice("workload.".length);
    const factor = Number(value);
    if (!FACTORS.includes(name))
      throw wrong(path, `a workload has the factors ${FACTORS.join(", ")}, and adapters.count and adapters.rank`);
    if (!(factor > 0 && factor <= 1e6)) throw wrong(path, `${value} is no factor above 0`);
    factors.set(name, factor);
  }
  const length = factors.get("length") ?? 1;
  return { rate: factors.get("rate") ?? 1, prompt: length * (factors.get("prompt") ?? 1), output: length * (factors.get("output") ?? 1) };
}

function seedOf([change]: readonly Change[], seed: number): number {
  if (change === undefined) return seed;
  if (/^\d{1,9}$/.test(change.value) && change.path === "seed") return Number(change.value);
  throw wrong(change.path, `${change.value} is no seed`);
}

function wrong(path: string, detail: string): HeddleError {
  return new HeddleError("usage", { where: `--vary ${path}`, detail });
}

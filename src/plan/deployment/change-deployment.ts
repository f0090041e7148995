import { HeddleError } from "../../base/heddle-error.ts";
import { fieldPath, NO_SUCH_FIELD } from "../../rack/schema-parts.ts";
import type { Change } from "./change.ts";
import type { Deployment } from "./deployment.ts";
import { type FilledDefault, type FindSheet, readDeployment } from "./deployment-file.ts";
import { ENGINE_DEFAULTS } from "./engine-defaults.ts";

export interface ChangedDeployment {
  readonly deployment: Deployment;
  /** Fields that the change brought in and that were filled in. */
  readonly defaults: readonly FilledDefault[];
  /** What else had to change, for people. */
  readonly notes: readonly string[];
}

/** Names that no field has and that lead out of a deployment. */
const NO_FIELDS: ReadonlySet<string> = new Set(["", "__proto__", "constructor", "prototype"]);

/** Fields of a pool on which the number of KV blocks depends. */
const DECIDE_BLOCKS = [
  ["device"],
  ["ffn"],
  ["parallel"],
  ["precision"],
  ["lora"],
  ["encoder"],
  ...["name", "memoryFraction", "blockTokens"].map((field) => ["engine", field]),
];

type Fields = Record<string, unknown>;

/** What is known of the deployment before the change. */
export interface BeforeChange {
  /** Fields that its file left out, as `ReadDeployment.defaults` names them. */
  readonly filled?: readonly string[];
  /** As of `readDeployment`. */
  readonly find?: FindSheet;
}

/**
 * A deployment with some fields otherwise.
 *
 * A stated number of KV blocks holds for the device, cut and formats it was counted on: where one of those changes it is computed anew, and a note says so.
 * Settings that the file left out are filled in for the device or engine that a change brings, as if the file had named it.
 * Errors: `usage` naming a path that leads nowhere or is changed twice; `deployment-invalid` naming the field of a value that cannot be.
 */
export function changeDeployment(before: Deployment, changes: readonly Change[], given: BeforeChange = {}): ChangedDeployment {
  const copy = structuredClone(before) as unknown as Fields;
  const seen = new Set<string>();
  const touched = changes.map(({ path, value }) => {
    const steps = stepsOf(copy, path);
    const field = steps.join(".");
    if (seen.has(field)) throw new HeddleError("usage", { where: `--change ${path}`, detail: "a field is changed once" });
    seen.add(field);
    setAt(copy, steps, { path, value: parseValue(value) });
    return steps;
  });
  const notes = forgetBlocks(copy, touched);
  forgetDefaults(copy, touched, given.filled ?? []);
  const { deployment, defaults } = readChanged(
    copy,
    changes.map(({ path }, at) => [path, touched[at]!]),
    given.find,
  );
  return { deployment, defaults, notes };
}

/** Reads it as a file; its errors name the field alone, as no file has the line. */
function readChanged(
  changed: Fields,
  touched: readonly (readonly [path: string, steps: readonly string[]])[],
  find: FindSheet | undefined,
): ReturnType<typeof readDeployment> {
  try {
    return readDeployment(JSON.stringify(changed, null, 1), find);
  } catch (thrown) {
    if (!(thrown instanceof HeddleError) || thrown.where === undefined) throw thrown;
    const { code, detail } = thrown;
    const where = thrown.where.replace(/^line \d+, /, "");
    // A field that is not there was brought in by the path that leads through it.
    const [path] = (detail === NO_SUCH_FIELD && touched.find(([, steps]) => prefixesOf(steps).includes(where))) || [];
    if (path !== undefined)
      throw new HeddleError("usage", { where: `--change ${path}`, detail: `leads to no field: there is no ${where}` });
    throw new HeddleError(code, {
      where: `after the change, ${where}`,
      ...(detail === undefined ? {} : { detail }),
      cause: thrown,
    });
  }
}

/** The fields that a path leads through, as errors of files name them. */
function prefixesOf(steps: readonly string[]): readonly string[] {
  return steps.map((_step, at) => fieldPath(steps.slice(0, at + 1).map((step) => (/^\d+$/.test(step) ? Number(step) : step))));
}

/** The steps of a path, a pool's name replaced by its number. */
function stepsOf(deployment: Fields, path: string): readonly string[] {
  const steps = path.split(".");
  if (steps.some((step) => NO_FIELDS.has(step))) throw new HeddleError("usage", { where: `--change ${path}`, detail: "leads to no field" });
  if (steps[0] !== "pools" || steps[1] === undefined) return steps;
  const pools = deployment["pools"] as readonly Fields[];
  if (/^\d+$/.test(steps[1]) && Number(steps[1]) < pools.length) return steps;
  const at = pools.findIndex(({ name }) => name === steps[1]);
  if (at === -1) {
    const names = pools.map(({ name }, i) => `${i} (${String(name)})`).join(", ");
    throw new HeddleError("usage", { where: `--change ${path}`, detail: `there is no such pool; by number and name there are ${names}` });
  }
  return ["pools", String(at), ...steps.slice(2)];
}

function setAt(root: Fields, steps: readonly string[], { path, value }: { path: string; value: unknown }): void {
  let node = root;
  for (const step of steps.slice(0, -1)) {
    // Parts that are not there, such as `speculation`, are begun.
    if (node[step] === undefined) node[step] = {};
    if (typeof node[step] !== "object" || node[step] === null)
      throw new HeddleError("usage", { where: `--change ${path}`, detail: `${step} has no parts` });
    node = node[step] as Fields;
  }
  const last = steps.at(-1)!;
  if (value === null) delete node[last];
  else node[last] = value;
}

/** Numbers, true, false, null (leave out) and JSON as such; all else is text. */
function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Leaves out what was filled in for a device, engine or number of ranks that is no longer there, unless the change says it. */
function forgetDefaults(deployment: Fields, touched: readonly (readonly string[])[], filled: readonly string[]): void {
  const changed = new Set(touched.map((steps) => steps.join(".")));
  for (const [i, pool] of (deployment["pools"] as Fields[]).entries()) {
    const engine = pool["engine"] as Fields;
    const other = changed.has(`pools.${i}.device`) || changed.has(`pools.${i}.engine.name`);
    const shared = engine["name"] === "sglang" && changed.has(`pools.${i}.parallel.data`);
    for (const field of ENGINE_DEFAULTS) {
      const path = `pools.${i}.engine.${field}`;
      const decided = other || (shared && field === "maxBatchedTokens");
      if (decided && filled.includes(path) && !changed.has(path)) delete engine[field];
    }
  }
}

function forgetBlocks(deployment: Fields, touched: readonly (readonly string[])[]): string[] {
  const notes: string[] = [];
  for (const [i, pool] of (deployment["pools"] as Fields[]).entries()) {
    const engine = pool["engine"] as Fields | undefined;
    const own = touched.filter(([first, at]) => first === "pools" && at === String(i)).map((steps) => steps.slice(2));
    const stated = own.some(([part, field]) => part === "engine" && field === "kvBlocks");
    const decided =
      touched.some(([first]) => first === "model") ||
      own.some((steps) => DECIDE_BLOCKS.some((field) => field.every((step, k) => steps[k] === step)));
    if (engine?.["kvBlocks"] === undefined || stated || !decided) continue;
    delete engine["kvBlocks"];
    notes.push(`KV blocks of pool ${String(pool["name"])} were counted on what it was; they are computed anew`);
  }
  return notes;
}

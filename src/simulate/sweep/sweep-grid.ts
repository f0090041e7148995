import { HeddleError } from "../../base/heddle-error.ts";
import type { Change } from "../../plan/deployment/change.ts";

/** A field with the values it takes in turn. */
export interface Vary {
  readonly path: string;
  readonly values: readonly string[];
}

/** Most points of a sweep: more do not end in a day. */
const POINTS_MAX = 1_000_000;

/**
 * `path=v1,v2,...`: a field of the deployment (`pools.0.replicas`), a figure of a device (`sheet.h200-sxm.memory.bandwidthBytesPerSecond`, a value or a
 * factor such as x2), a factor on the workload (`workload.rate`, `.length`, `.prompt`, `.output`), its adapters
 * (`workload.adapters.count`, `.rank`) or `seed`. Errors: `usage`.
 */
export function parseVary(text: string): Vary {
  const equals = text.indexOf("=");
  const values = text.slice(equals + 1).split(",");
  if (equals < 1 || values.some((value) => value === "")) {
    throw new HeddleError("usage", { where: `--vary ${text}`, detail: "a field and its values are meant, such as pools.0.replicas=1,2,4" });
  }
  if (new Set(values).size < values.length) throw new HeddleError("usage", { where: `--vary ${text}`, detail: "a value is there twice" });
  return { path: text.slice(0, equals), values };
}

/** Number of points of a grid. Errors: `usage` where a field is varied twice or the grid is too large. */
export function gridSize(varies: readonly Vary[]): number {
  const paths = varies.map(({ path }) => path);
  const twice = paths.find((path, at) => paths.indexOf(path) < at);
  if (twice !== undefined) throw new HeddleError("usage", { where: `--vary ${twice}`, detail: "a field is varied once" });
  const points = varies.reduce((size, { values }) => size * values.length, 1);
  if (points > POINTS_MAX) throw new HeddleError("usage", { where: "--vary", detail: `${points} points, at most ${POINTS_MAX}` });
  return points;
}

/** The values of one point; the last field turns fastest. */
export function gridPoint(varies: readonly Vary[], index: number): Change[] {
  const changes: Change[] = [];
  let rest = index;
  for (const { path, values } of [...varies].reverse()) {
    changes.unshift({ path, value: values[rest % values.length]! });
    rest = Math.floor(rest / values.length);
  }
  return changes;
}

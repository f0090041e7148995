import type { CollectiveKind } from "../../operator/operator-query.ts";
import type { CollectiveCurve } from "./collective-curve.ts";
import { FITTED_CURVES } from "./fitted-curves.ts";
import type { CollectiveLibrary, NetworkFigures, NetworkGeneration } from "./network-figures.ts";

/** A curve and the relative half-width of its 90 % interval on a node of the family. */
export interface LibraryCurve {
  readonly lines: CollectiveCurve;
  readonly spread: number;
}

/** p90 errors on versions that the curves were not fitted on. Source: `npm run bench -- network`. */
const SPREAD: Readonly<Record<CollectiveLibrary, number>> = { nccl: 0.2, vllm: 0.16, trtllm: 0.2, sglang: 0.2 };
/**
 * SGLang called the kernels that vLLM has up to the first of these versions; from the second on it has its own, up to a third faster below 256 KiB. In
 * between, and where the version is not said, either may run. Source: aiconfigurator@095f58a comm/sglang 0.5.9, 0.5.10 and 0.5.14.
 */
const SGLANG = { shared: [0, 5, 10], own: [0, 5, 14], unknownSpread: 0.7 } as const;

/** The curve of a library's collective, of NCCL's where the library leaves it to that; undefined where none was measured (broadcast). */
export function libraryCurve(figures: NetworkFigures, generation: NetworkGeneration, kind: CollectiveKind): LibraryCurve | undefined {
  const { library, libraryVersion } = figures;
  const own = FITTED_CURVES[library][generation][kind];
  if (own === undefined || library === "nccl") return curveOf("nccl", generation, kind);
  if (library !== "sglang") return { lines: own.lines, spread: SPREAD[library] };
  const version = libraryVersion === undefined ? undefined : numbersOf(libraryVersion);
  if (version !== undefined && !isBefore(SGLANG.shared, version)) return curveOf("vllm", generation, kind);
  const certain = generation === "ampere" || (version !== undefined && !isBefore(version, SGLANG.own));
  return { lines: own.lines, spread: certain ? SPREAD.sglang : SGLANG.unknownSpread };
}

function curveOf(library: CollectiveLibrary, generation: NetworkGeneration, kind: CollectiveKind): LibraryCurve | undefined {
  const fitted = FITTED_CURVES[library][generation][kind];
  return fitted === undefined ? undefined : { lines: fitted.lines, spread: SPREAD[library] };
}

/** The first three numbers of a version such as `0.5.10.post1` or `v0.5.9-cu130`. */
function numbersOf(version: string): readonly number[] | undefined {
  const match = /(\d+)\.(\d+)\.(\d+)/.exec(version);
  return match === null ? undefined : match.slice(1, 4).map(Number);
}

function isBefore(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! < b[i]!;
  return false;
}

import { toHeddleError } from "../../base/heddle-error.ts";

/**
 * `fail`: the device does not do what its contract or its description says. `warn`: it does, but a user should know. `skip`: it could not be looked at,
 * and the finding says why.
 */
export type Verdict = "pass" | "warn" | "fail" | "skip";

/** One thing that was looked at, with what was seen. */
export interface Finding {
  readonly check: CheckName;
  readonly name: string;
  readonly verdict: Verdict;
  /** What was seen and what was wanted, in one sentence. */
  readonly detail: string;
  readonly divergence?: Divergence;
}

export const CHECKS = ["operators", "model", "tokens", "determinism", "batch", "memory", "failure", "speed"] as const;
export type CheckName = (typeof CHECKS)[number];

/** How far a result is from the reference's. */
export interface Divergence {
  readonly maxAbsolute: number;
  /** Largest difference over the reference's largest value. */
  readonly maxRelative: number;
  /** 1 for equal directions. */
  readonly cosine: number;
  /** Largest distance in steps of the element type; undefined for types without such steps. */
  readonly maxUlp: number | undefined;
  /** What `maxRelative` may be. */
  readonly tolerance: number;
}

export function worstVerdict(findings: readonly Finding[]): Verdict {
  const order: readonly Verdict[] = ["fail", "warn", "pass", "skip"];
  return order.find((verdict) => findings.some((finding) => finding.verdict === verdict)) ?? "skip";
}

/** Findings of a check; one that the device stops half way is a failure of the device. */
export async function guarded(check: CheckName, name: string, work: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await work();
  } catch (thrown) {
    return [{ check, name, verdict: "fail", detail: `the check could not be finished: ${toHeddleError(thrown).message}` }];
  }
}

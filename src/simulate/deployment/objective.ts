import type { Nanoseconds, Ratio } from "../../base/units.ts";

/** Limits that a request must keep to count as good. Units: ns. */
export interface Objective {
  readonly ttftNs?: Nanoseconds;
  readonly tpotNs?: Nanoseconds;
  readonly e2eNs?: Nanoseconds;
  /** Share of requests that has to keep them; 1 - share may fail. */
  readonly share: Ratio;
}

/** The limits for people: `TTFT 500 ms, TPOT 40 ms, 90 % of requests`. */
export function objectiveText({ ttftNs, tpotNs, e2eNs, share }: Objective, format: (ns: number) => string): string {
  const limits = [
    ["TTFT", ttftNs],
    ["TPOT", tpotNs],
    ["end to end", e2eNs],
  ].flatMap(([name, limit]) => (limit === undefined ? [] : [`${name} ${format(limit as number)}`]));
  return `${limits.join(", ")}, for ${Number((share * 100).toFixed(2))} % of requests`;
}

/** Why a topology cannot be built, in words: a size and what it must be. */
export interface TopologyFault {
  readonly code: "topology-invalid";
  readonly detail: string;
}

/** The first size that is not a whole number from `least`; undefined where all are. */
export function sizeFault(sizes: Readonly<Record<string, number>>, least = 1): TopologyFault | undefined {
  for (const [name, size] of Object.entries(sizes)) {
    if (!Number.isInteger(size) || size < least)
      return { code: "topology-invalid", detail: `${name} is ${size}: a whole number from ${least} is needed` };
  }
  return undefined;
}

/** The first rate that is not above 0 and finite. */
export function rateFault(rates: Readonly<Record<string, number>>): TopologyFault | undefined {
  for (const [name, rate] of Object.entries(rates)) {
    if (!(rate > 0 && rate < Number.POSITIVE_INFINITY))
      return { code: "topology-invalid", detail: `${name} is ${rate}: a rate above 0 is needed` };
  }
  return undefined;
}

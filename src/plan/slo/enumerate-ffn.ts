import type { FfnSide, Parallelism } from "../deployment/deployment.ts";
import type { DesignChoices, FleetOffer } from "./slo-problem.ts";

/** A replica's two sides: attention's devices and cut, and those of its feed-forwards. */
export interface SplitPlace {
  readonly device: string;
  readonly parallel: Parallelism;
  readonly ffn: FfnSide;
}

/**
 * Replicas whose feed-forwards and experts are on devices of their own: every two devices of an offer, or twice the same one, and every cut of both sides that
 * they have devices for. Attention is cut over tensor and data ranks alone, as its other cuts are refused beside an FFN side.
 */
export function ffnPlaces(choices: DesignChoices, fleets: readonly FleetOffer[]): SplitPlace[] {
  const { ffn } = choices;
  if (ffn === undefined) return [];
  const parts = products(choices.tensor, choices.data).map(([tensor, data]) => ({ tensor, pipeline: 1, data, expert: 1, context: 1 }));
  const sides = products(ffn.tensor, ffn.expert).map(([tensor, expert]) => ({ tensor, expert }));
  return pairsOf(fleets).flatMap(({ device, count, other, otherCount }) =>
    parts.flatMap((parallel) =>
      sides.flatMap((side) => {
        const own = parallel.tensor * parallel.data;
        const theirs = side.tensor * side.expert;
        const room = device === other ? own + theirs <= count : own <= count && theirs <= otherCount;
        if (!room || own + theirs > choices.devicesMax) return [];
        return ffn.microBatches.map((microBatches) => ({
          device,
          parallel,
          ffn: { device: other, parallel: side, microBatches, ...(ffn.link && { link: ffn.link }) },
        }));
      }),
    ),
  );
}

interface DevicePair {
  readonly device: string;
  readonly count: number;
  readonly other: string;
  readonly otherCount: number;
}

/** Two devices that one offer has, each pair once with the most of both that any offer has. */
function pairsOf(fleets: readonly FleetOffer[]): DevicePair[] {
  const pairs = new Map<string, DevicePair>();
  for (const { devices } of fleets) {
    for (const { device, count } of devices) {
      for (const { device: other, count: otherCount } of devices) {
        const known = pairs.get(`${device} ${other}`);
        pairs.set(`${device} ${other}`, {
          device,
          other,
          count: Math.max(count, known?.count ?? 0),
          otherCount: Math.max(otherCount, known?.otherCount ?? 0),
        });
      }
    }
  }
  return [...pairs.values()];
}

function products(first: readonly number[], second: readonly number[]): [number, number][] {
  return first.flatMap((a) => second.map((b): [number, number] => [a, b]));
}

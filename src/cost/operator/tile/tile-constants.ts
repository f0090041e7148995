import type { DeviceSheet } from "../../../rack/catalog/device-sheet.ts";
import { BLACKWELL } from "../physics/families/blackwell.ts";
import { HOPPER } from "../physics/families/hopper.ts";
import { familyOf } from "../physics/families.ts";

/** What no data sheet says of how kernels run. */
export interface TileConstants {
  /** From the launch of a kernel to its first instruction and from its last to the next kernel. Units: ns. */
  readonly launchNs: number;
  /** The same of an engine's attention call, which runs several kernels. Units: ns. */
  readonly attentionLaunchNs: number;
  /** Share of the memory's data-sheet rate that long reads reach. */
  readonly memoryShare: number;
  /** Share of the peak that multipliers sustain: clocks under load are below the boost clock of the sheet. */
  readonly computeShare: number;
  /** Share of the cache's rate that all cores together draw. */
  readonly cacheShare: number;
  /** Time from asking memory to the answer, under load. Units: ns. */
  readonly memoryLatencyNs: number;
  /** Parts of a tile's depth that are on their way at once, at most; fewer where local memory is too small. */
  readonly stages: number;
  /** Bytes of depth of such a part. */
  readonly stageDepthBytes: number;
  /** Clocks a core takes for the exponential and the sums of one score of attention. */
  readonly clocksPerScore: number;
  /** Whether that runs while the next scores are multiplied. */
  readonly scoresOverlap: boolean;
  /** Neighbouring cores that share one read of an operand from the cache. */
  readonly sharing: number;
  /** Share of the cache that holds what is read again; the rest is taken by what streams through. */
  readonly cacheKept: number;
}

/**
 * Constants for GPUs.
 *
 * Source: launches, memory and compute shares are those of products and attention on H100 and H200 in aiconfigurator-ops (physics/families/hopper.ts),
 * taken over unchanged; a score takes 1 of 16 special functions and 4 of 64 operations a clock (NVIDIA A100 whitepaper); up to 8 stages of 64 bytes of depth: settings of public kernels (CUTLASS); latency of about 0.6 µs under load: published microbenchmarks
 * (arXiv 2402.13499: 470 to 540 clocks unloaded). Nothing was fitted on llmcompass-real.
 */
export const GPU_TILES: TileConstants = {
  launchNs: 2500,
  attentionLaunchNs: 8500,
  memoryShare: 0.87,
  computeShare: 0.9,
  cacheShare: 0.8,
  memoryLatencyNs: 600,
  stages: 8,
  stageDepthBytes: 64,
  clocksPerScore: 1 / 16 + 4 / 64,
  scoresOverlap: false,
  sharing: 1,
  cacheKept: 0.5,
};

/**
 * Constants for GPUs whose cores form clusters that share what they read and whose multipliers run on their own.
 *
 * Source: NVIDIA Hopper and Blackwell tuning guides (thread block clusters of 2, asynchronous products); FlashAttention-3 (arXiv 2407.08608) for overlap.
 */
export const CLUSTERED_TILES: TileConstants = { ...GPU_TILES, sharing: 2, scoresOverlap: true };

/** Constants that fit a device's generation: of NVIDIA's, Hopper and Blackwell form clusters. */
export function tileConstantsOf(sheet: DeviceSheet): TileConstants {
  const family = familyOf(sheet);
  return family === HOPPER || family === BLACKWELL ? CLUSTERED_TILES : GPU_TILES;
}

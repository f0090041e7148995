import type { NetworkGeneration } from "./network-figures.ts";

export type Protocol = "ll" | "ll128" | "simple";
export const PROTOCOLS: readonly Protocol[] = ["ll", "ll128", "simple"];
export type Algorithm = "ring" | "tree" | "nvls";

type ByProtocol = Readonly<Record<Protocol, number>>;

/**
 * Constants with which NCCL chooses an algorithm and a protocol.
 *
 * Units: ns; rates in bytes/ns (GB/s).
 * Source: NVIDIA/nccl@5067397 (2.30.7) src/graph/tuning.cc and topo.h.
 */
export const BASE_LATENCY: Readonly<Record<Algorithm, ByProtocol>> = {
  ring: { ll: 6600, ll128: 14000, simple: 8400 },
  tree: { ll: 6800, ll128: 14000, simple: 8400 },
  nvls: { ll: 0, ll128: 0, simple: 0 },
};

export interface HopLatency {
  readonly nvlink: ByProtocol;
  readonly pcie: ByProtocol;
  readonly network: ByProtocol;
}

const NEVER = Number.POSITIVE_INFINITY;

export const HOP_LATENCY: Readonly<Record<Algorithm, HopLatency>> = {
  ring: {
    nvlink: { ll: 600, ll128: 1900, simple: 3400 },
    pcie: { ll: 1000, ll128: 2500, simple: 5700 },
    network: { ll: 2700, ll128: 4000, simple: 14000 },
  },
  tree: {
    nvlink: { ll: 600, ll128: 1250, simple: 4000 },
    pcie: { ll: 1000, ll128: 1900, simple: 4000 },
    network: { ll: 5000, ll128: 8500, simple: 14000 },
  },
  nvls: {
    nvlink: { ll: NEVER, ll128: NEVER, simple: 25000 },
    pcie: { ll: NEVER, ll128: NEVER, simple: NEVER },
    network: { ll: NEVER, ll128: NEVER, simple: 18000 },
  },
};

/** Limits of a generation, of 1, 2 and at least 4 nodes where there are three. */
export interface GenerationConstants {
  readonly linkShare: number;
  readonly llMax: readonly [number, number, number];
  readonly treeChannel: readonly [number, number, number];
  readonly treeLl128Channel: readonly [number, number, number];
  readonly ringLl128Channel: number;
  readonly nvlsEfficiency: number;
}

/** `linkShare`: NCCL's rate of an NVLink (20, 20.6, 40.1 GB/s) over that of its data sheet (25, 25, 50). */
export const GENERATION_CONSTANTS: Readonly<Record<NetworkGeneration, GenerationConstants>> = {
  ampere: {
    linkShare: 0.8,
    llMax: [87.7, 22.5, 19],
    treeChannel: [24, 23.6, 17.8],
    treeLl128Channel: [20, 20, 20],
    ringLl128Channel: 20,
    nvlsEfficiency: 0,
  },
  hopper: {
    linkShare: 0.824,
    llMax: [141, 45, 35],
    treeChannel: [38.7, 41.4, 36],
    treeLl128Channel: [36.7, 36.7, 29],
    ringLl128Channel: 36.7,
    nvlsEfficiency: 0.85,
  },
  blackwell: {
    linkShare: 0.802,
    llMax: [282, 90, 70],
    treeChannel: [70, 42.8, 24],
    treeLl128Channel: [55.6, 31.67, 20],
    ringLl128Channel: 40,
    nvlsEfficiency: 0.74,
  },
};

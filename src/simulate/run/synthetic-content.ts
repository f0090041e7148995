import { must } from "../../base/assert.ts";
import { mix32 } from "../../base/prng.ts";
import type { Lane, Sample, StepTask } from "../../engine/replica-engine-types.ts";
import { BLOCK_TOKENS, type BlockKey } from "../../state/block.ts";
import type { VirtualRequest } from "./run-input.ts";

/** The token the virtual model generates for a request at an index: a function of both, so that every attempt agrees. */
export function syntheticToken(request: number, index: number): number {
  return mix32(mix32(request + 1) ^ Math.imul(index + 1, 0x9e3779b1)) >>> 1;
}

/** What a step's data would be: samples and keys of sealed blocks. */
export interface StepContent {
  readonly samples: readonly Sample[];
  readonly sealedKeys: readonly BlockKey[];
}

/** Stands in for the drivers of one host: it keeps what is in each lane and slot as far as keys and samples depend on it. */
export interface SyntheticContent {
  /** Applies a step, in the order steps were started. */
  apply(step: StepTask): StepContent;
}

interface LaneContent {
  readonly request: number;
  /** Keys of all its whole blocks so far, gathered ones included. */
  readonly keys: BlockKey[];
  /** From here on its tokens were appended by decode steps. */
  decodedFrom: number;
}

/** Where prefill and decode have numerics of their own (`apart`), they are part of a block's key: a block a decode step wrote is named after it. */
export function createSyntheticContent(requests: readonly VirtualRequest[], apart: boolean): SyntheticContent {
  const lanes = new Map<Lane, LaneContent>();
  const slots = new Map<number, BlockKey>();

  const keyOf = (lane: LaneContent, block: number): BlockKey => {
    const { keys: promptKeys } = must(requests[lane.request], "a lane holds a request of the run");
    const clean = block === 0 || lane.keys[block - 1] === promptKeys[block - 1];
    const decoded = apart && lane.decodedFrom < (block + 1) * BLOCK_TOKENS;
    const promptKey = promptKeys[block];
    if (promptKey !== undefined && clean && !decoded) return promptKey;
    // The parent's numerics are in its key; a child names its own after it.
    const parent = clean ? "" : (lane.keys[block - 1] ?? "").replace(/^.*:/, "");
    return `r${lane.request}.${block}:${apart ? parent + (decoded ? "d" : "p") : ""}`;
  };

  const apply = (step: StepTask): StepContent => {
    for (const lane of step.closes) lanes.delete(lane);
    for (const { lane, request, gather } of step.opens) {
      const keys = gather.map(({ slot }) => slots.get(slot) ?? `unwritten slot ${slot}`);
      lanes.set(lane, { request, keys, decodedFrom: Infinity });
    }
    const samples: Sample[] = [];
    for (const row of step.rows) {
      const lane = must(lanes.get(row.lane), "a row works on an open lane");
      const end = row.start + row.count;
      if (row.phase === "decode") lane.decodedFrom = Math.min(lane.decodedFrom, row.start);
      while ((lane.keys.length + 1) * BLOCK_TOKENS <= end) lane.keys.push(keyOf(lane, lane.keys.length));
      if (!row.sample) continue;
      const { promptTokens, stopAfter } = must(requests[lane.request], "a lane holds a request of the run");
      const index = end - promptTokens;
      samples.push({ token: syntheticToken(lane.request, index), stop: index === stopAfter });
    }
    const sealedKeys = step.seals.map(({ lane, block, target }) => {
      const content = must(lanes.get(lane), "a seal copies from an open lane");
      const key = content.keys[block] ?? `unfinished r${content.request}.${block}`;
      slots.set(target.slot, key);
      return key;
    });
    return { samples, sealedKeys };
  };
  return { apply };
}

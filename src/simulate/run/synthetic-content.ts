import { must } from "../../base/assert.ts";
import { mix32 } from "../../base/prng.ts";
import type { Lane, Sample, StepTask } from "../../engine/replica-engine-types.ts";
import { BLOCK_TOKENS, type BlockKey, PART_TOKENS, PARTS_PER_BLOCK } from "../../state/block.ts";
import type { VirtualRequest } from "./run-input.ts";

/** The token the virtual model generates for a request at an index: a function of both, so that every attempt agrees. */
export function syntheticToken(request: number, index: number): number {
  return mix32(mix32(request + 1) ^ Math.imul(index + 1, 0x9e3779b1)) >>> 1;
}

/** What a step's data would be: samples and keys of sealed blocks. */
export interface StepContent {
  readonly samples: readonly Sample[];
  readonly sealedKeys: readonly (readonly BlockKey[])[];
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
  const slots = new Map<number, readonly BlockKey[]>();

  /** Of the leading `tokens` tokens of a block. */
  const keyOf = (lane: LaneContent, block: number, tokens = BLOCK_TOKENS): BlockKey => {
    const prompt = must(requests[lane.request], "a lane holds a request of the run");
    const clean = block === 0 || lane.keys[block - 1] === prompt.keys[block - 1];
    const decoded = apart && lane.decodedFrom < block * BLOCK_TOKENS + tokens;
    const part = tokens / PART_TOKENS;
    const promptKey = tokens === BLOCK_TOKENS ? prompt.keys[block] : prompt.parts[block * PARTS_PER_BLOCK + part - 1];
    if (promptKey !== undefined && clean && !decoded) return promptKey;
    // The parent's numerics are in its key; a child names its own after it.
    const parent = clean ? "" : (lane.keys[block - 1] ?? "").replace(/^.*:/, "");
    const name = `r${lane.request}.${block}:${apart ? parent + (decoded ? "d" : "p") : ""}`;
    return tokens === BLOCK_TOKENS ? name : `${name}/${part}`;
  };

  const apply = (step: StepTask): StepContent => {
    for (const lane of step.closes) lanes.delete(lane);
    for (const { lane, request, gather, gatherTokens } of step.opens) {
      const whole = gather.slice(0, Math.floor(gatherTokens / BLOCK_TOKENS));
      const keys = whole.map(({ slot }) => slots.get(slot)?.at(-1) ?? `unwritten slot ${slot}`);
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
    const sealedKeys = step.seals.map(({ lane, block, tokens, target }) => {
      const content = must(lanes.get(lane), "a seal copies from an open lane");
      const keys: BlockKey[] = [];
      for (let part = PART_TOKENS; part <= Math.min(tokens, BLOCK_TOKENS - PART_TOKENS); part += PART_TOKENS)
        keys.push(keyOf(content, block, part));
      if (tokens === BLOCK_TOKENS) keys.push(content.keys[block] ?? `unfinished r${content.request}.${block}`);
      slots.set(target.slot, keys);
      return keys;
    });
    return { samples, sealedKeys };
  };
  return { apply };
}

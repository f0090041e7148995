import type { Prng } from "../../../base/prng.ts";
import { NS_PER_S } from "../../../base/units.ts";
import type { RequestColumns } from "../../serving/serving-input.ts";
import { type ColumnBuilder, createColumnBuilder } from "../columns/column-builder.ts";
import { WORKLOAD_TOKENS_MAX } from "../workload.ts";
import { workloadInvalid } from "../workload-error.ts";
import { exponentialNs } from "./arrivals.ts";
import { GENERATED_ROWS_MAX, prefixOf, secondsOf } from "./generated-bounds.ts";
import { lengthDraw } from "./length-draw.ts";
import type { LengthPair, PairDraw } from "./pair-draw.ts";
import type { SpecFields } from "./spec.ts";

/** Length of the blocks of a conversation. Units: tokens. */
const SESSION_BLOCK_TOKENS = 64;
const TURNS_MAX = 10_000;

/**
 * Conversations (`sessions`) and agents (`agents`): a turn's prompt is everything before it, the last answer included, and `prompt` new tokens; it is
 * sent after the answer and an exponential time of mean `think` or `tool` seconds. `system=4x1024`: the conversation starts with one of 4 texts of
 * 1,024 tokens.
 *
 * Model: conversations begin as a Poisson process; all turns of one stand together in the columns. A turn shares with the one before the blocks that
 * ended within that one's prompt and answer.
 */
export function sessionColumns(spec: SpecFields, draw: PairDraw, prng: Prng): RequestColumns {
  const rate = spec.number("rate");
  const endNs = secondsOf(spec, rate) * NS_PER_S;
  const turns = lengthDraw(spec, "turns");
  const pauseSeconds = spec.number(spec.kind === "agents" ? "tool" : "think", { least: 0 });
  const system = prefixOf(spec, "system");
  spec.finish();
  const builder = createColumnBuilder();
  const blocks = createSessionBlocks(system);
  for (let time = exponentialNs(rate, prng); time < endNs; time += exponentialNs(rate, prng)) {
    const count = Math.min(TURNS_MAX, turns(prng));
    const group = system === undefined ? 0 : prng.nextBelow(system.groups);
    addSession({ builder, atNs: Math.round(time), count, pauseSeconds, draw, prng }, system?.tokens ?? 0, blocks.session(group));
  }
  return builder.columns(SESSION_BLOCK_TOKENS);
}

interface SessionParts {
  readonly builder: ColumnBuilder;
  readonly atNs: number;
  readonly count: number;
  readonly pauseSeconds: number;
  readonly draw: PairDraw;
  readonly prng: Prng;
}

function addSession(
  { builder, atNs, count, pauseSeconds, draw, prng }: SessionParts,
  start: number,
  blockOf: (block: number) => number,
): void {
  const pair: LengthPair = { promptTokens: 1, outputTokens: 1 };
  let context = start;
  for (let turn = 0; turn < count; turn++) {
    draw(prng, pair);
    const promptTokens = context + pair.promptTokens;
    if (promptTokens + pair.outputTokens > WORKLOAD_TOKENS_MAX) {
      throw workloadInvalid({ field: "turns" }, `a conversation grows beyond ${WORKLOAD_TOKENS_MAX} tokens`);
    }
    if (builder.count === GENERATED_ROWS_MAX) throw workloadInvalid({ field: "rate" }, `gives more than ${GENERATED_ROWS_MAX} requests`);
    for (let block = 0; (block + 1) * SESSION_BLOCK_TOKENS <= promptTokens; block++) builder.addBlock(blockOf(block));
    const thinkNs = pauseSeconds === 0 ? 0 : Math.round(exponentialNs(1 / pauseSeconds, prng));
    const follows = turn === 0 ? {} : { after: builder.count - 1, thinkNs };
    builder.add({ atNs, promptTokens, outputTokens: pair.outputTokens, ...follows });
    context = promptTokens + pair.outputTokens;
  }
}

/** Ids of a conversation's blocks: those of its system text first, then its own. */
function createSessionBlocks(system: { readonly groups: number; readonly tokens: number } | undefined) {
  const shared = Math.floor((system?.tokens ?? 0) / SESSION_BLOCK_TOKENS);
  let next = (system?.groups ?? 0) * shared;
  return {
    session: (group: number): ((block: number) => number) => {
      const own: number[] = [];
      return (block) => {
        if (block < shared) return group * shared + block;
        while (own.length <= block - shared) own.push(next++);
        return own[block - shared]!;
      };
    },
  };
}

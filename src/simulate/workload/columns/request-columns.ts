import type { RequestColumns } from "../../serving/serving-input.ts";
import type { SharedPrefix, Workload, WorkloadRequest } from "../workload.ts";
import { adapterColumns } from "./adapter-columns.ts";
import { type ColumnBuilder, createColumnBuilder } from "./column-builder.ts";
import { imageColumns } from "./image-columns.ts";
import { createPrefixNames, NO_PREFIX, type PrefixNames } from "./prefix-names.ts";

/** Length of a block where prompts share groups of tokens: what engines seal. Source: vLLM 0.19, `CacheConfig.block_size`. */
const GROUP_BLOCK_TOKENS = 16;
/** Longest block that prefixes of groups are cut into: what is found cached is a whole number of them. */
const GROUP_BLOCK_MAX = 64;

/** What stands before the prefixes of groups, so that none is taken for a block's id. */
const GROUP_PREFIX = NO_PREFIX - 1;

/**
 * A workload as columns.
 *
 * Model: shared blocks that end within the prompt; the last piece of a prompt that is cut short by its end counts as its own. Ids are dense and name
 * a block with everything before it.
 */
export function requestColumns({ requests }: Workload): RequestColumns {
  const blockTokens = blockTokensOf(requests);
  const builder = createColumnBuilder(Math.max(1, requests.length));
  const shared = createShared(blockTokens);
  const rows = new Map<WorkloadRequest, number>();
  for (const request of requests) {
    const { promptTokens, outputTokens, after } = request;
    if (request.shared !== undefined) shared.add(request.shared, promptTokens, builder);
    const row = builder.add({
      atNs: request.atNs,
      promptTokens,
      outputTokens,
      ...(after === undefined ? {} : { after: rows.get(after.request)!, thinkNs: after.thinkNs }),
    });
    rows.set(request, row);
  }
  return { ...builder.columns(blockTokens), ...adapterColumns(requests), ...imageColumns(requests) };
}

/** Length of the pieces that all shared prefixes can be cut into. */
function blockTokensOf(requests: readonly WorkloadRequest[]): number {
  let tokens = 0;
  for (const { shared, promptTokens } of requests) {
    // A prompt that lies within its group's text says nothing of how long that is.
    if (shared === undefined || (shared.type === "group" && shared.tokens === promptTokens)) continue;
    const own =
      shared.type === "blocks" ? shared.blockTokens : Math.max(GROUP_BLOCK_TOKENS, shared.tokens - (shared.tokens % GROUP_BLOCK_TOKENS));
    tokens = commonDivisor(own, tokens);
    if (tokens === GROUP_BLOCK_TOKENS) return tokens;
  }
  if (tokens === 0) return GROUP_BLOCK_TOKENS;
  return requests.some(({ shared }) => shared?.type === "group") ? shortened(tokens) : tokens;
}

/** The largest divisor of `tokens` (a multiple of 16) that is a multiple of 16 and no longer than a block of groups may be. */
function shortened(tokens: number): number {
  for (let parts = 1; parts * GROUP_BLOCK_TOKENS <= tokens; parts++) {
    const block = tokens / parts;
    if (block <= GROUP_BLOCK_MAX && block % GROUP_BLOCK_TOKENS === 0) return block;
  }
  return GROUP_BLOCK_TOKENS;
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

/** Ids of the shared blocks of prompts, added before their row. */
function createShared(blockTokens: number): { add(shared: SharedPrefix, promptTokens: number, builder: ColumnBuilder): void } {
  const names: PrefixNames = createPrefixNames();
  const groups = new Map<string, number>();
  return {
    add: (shared, promptTokens, builder) => {
      let prefix = NO_PREFIX;
      if (shared.type === "group") {
        const group = groups.get(shared.group) ?? groups.size;
        groups.set(shared.group, group);
        prefix = GROUP_PREFIX;
        for (let end = blockTokens; end <= Math.min(shared.tokens, promptTokens); end += blockTokens) {
          prefix = names.name(prefix, group);
          builder.addBlock(prefix);
        }
        return;
      }
      const parts = shared.blockTokens / blockTokens;
      let end = 0;
      for (const id of shared.ids) {
        for (let part = 0; part < parts; part++) {
          end += blockTokens;
          if (end > promptTokens) return;
          prefix = names.name(prefix, id);
          builder.addBlock(prefix);
        }
      }
    },
  };
}

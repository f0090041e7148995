import { mix32 } from "../../base/prng.ts";
import { BLOCK_TOKENS, type BlockKey } from "../../state/block.ts";
import type { SharedPrefix, Workload } from "./workload.ts";

/**
 * Stand-ins for block keys of a workload whose tokens are not known: two prompts get the same key for a block exactly where the workload says that
 * they agree up to its end.
 */
export interface PrefixKeys {
  /** Keys of the whole blocks of a request's prompt, by its index in the workload. */
  keysOf(index: number): BlockKey[];
}

/** A run of shared ids from the start of a prompt; children by id. */
interface PrefixNode {
  readonly name: number;
  readonly children: Map<number, PrefixNode>;
}

export function createPrefixKeys(workload: Workload): PrefixKeys {
  const root: PrefixNode = { name: 0, children: new Map() };
  const groups = new Map<string, number>();
  let named = 0;
  const child = (parent: PrefixNode, id: number): PrefixNode => {
    const known = parent.children.get(id);
    if (known !== undefined) return known;
    const made = { name: ++named, children: new Map<number, PrefixNode>() };
    parent.children.set(id, made);
    return made;
  };
  const fill = (keys: BlockKey[], shared: SharedPrefix, blocks: number): void => {
    if (shared.type === "group") {
      const name = groups.get(shared.group) ?? groups.size;
      groups.set(shared.group, name);
      const whole = Math.min(blocks, Math.floor(shared.tokens / BLOCK_TOKENS));
      for (let block = 0; block < whole; block++) keys.push(`g${name}.${block}`);
      return;
    }
    const perId = shared.blockTokens / BLOCK_TOKENS;
    let node = root;
    for (const id of shared.ids) {
      node = child(node, id);
      for (let part = 0; part < perId && keys.length < blocks; part++) keys.push(`p${node.name}.${part}`);
    }
  };
  return {
    keysOf: (index) => {
      const { promptTokens, shared } = workload.requests[index]!;
      const blocks = Math.floor(promptTokens / BLOCK_TOKENS);
      const keys: BlockKey[] = [];
      if (shared !== undefined) fill(keys, shared, blocks);
      for (let block = keys.length; block < blocks; block++) keys.push(`r${index}.${block}`);
      return keys;
    },
  };
}

/**
 * Token ids for a prompt of the workload: equal wherever the workload says that prompts agree (by whole blocks), else drawn from the request's index.
 *
 * Shapes: [promptTokens], each in [0, vocabulary).
 */
export function syntheticPrompt(
  keys: readonly BlockKey[],
  request: { index: number; promptTokens: number; vocabulary: number },
): Int32Array {
  const tokens = new Int32Array(request.promptTokens);
  for (let at = 0; at < tokens.length; at++) {
    const seed = seedOf(keys[Math.floor(at / BLOCK_TOKENS)] ?? `r${request.index}.end`);
    tokens[at] = mix32(seed ^ Math.imul(at + 1, 0x9e3779b1)) % request.vocabulary;
  }
  return tokens;
}

function seedOf(key: BlockKey): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = mix32(hash ^ key.charCodeAt(i));
  return hash;
}

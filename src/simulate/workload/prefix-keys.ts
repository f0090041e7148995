import { mix32 } from "../../base/prng.ts";
import { BLOCK_TOKENS, type BlockKey, PART_TOKENS, PARTS_PER_BLOCK, type PromptKeys } from "../../state/block.ts";
import type { SharedPrefix, Workload } from "./workload.ts";

/**
 * Stand-ins for block keys of a workload whose tokens are not known: two prompts get the same key for a block exactly where the workload says that
 * they agree up to its end.
 */
export interface PrefixKeys {
  /** Keys of the blocks of a request's prompt and of their parts, by its index in the workload. */
  keysOf(index: number): PromptKeys;
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
  /** Names of the shared blocks of a prompt, the last of which may be shared in part. */
  const sharedNames = (shared: SharedPrefix, promptTokens: number): { names: string[]; tokens: number } => {
    const names: string[] = [];
    if (shared.type === "group") {
      const name = groups.get(shared.group) ?? groups.size;
      groups.set(shared.group, name);
      const tokens = Math.min(promptTokens, shared.tokens);
      for (let block = 0; block * BLOCK_TOKENS < tokens; block++) names.push(`g${name}.${block}`);
      return { names, tokens };
    }
    const perId = shared.blockTokens / BLOCK_TOKENS;
    const blocks = Math.floor(promptTokens / BLOCK_TOKENS);
    let node = root;
    for (const id of shared.ids) {
      node = child(node, id);
      for (let part = 0; part < perId && names.length < blocks; part++) names.push(`p${node.name}.${part}`);
    }
    return { names, tokens: names.length * BLOCK_TOKENS };
  };
  return {
    keysOf: (index) => {
      const { promptTokens, shared } = workload.requests[index]!;
      const { names, tokens } = shared === undefined ? { names: [], tokens: 0 } : sharedNames(shared, promptTokens);
      const keys: BlockKey[] = [];
      const parts: BlockKey[] = [];
      for (let end = PART_TOKENS; end <= promptTokens; end += PART_TOKENS) {
        const block = Math.ceil(end / BLOCK_TOKENS) - 1;
        const name = end <= tokens ? names[block]! : `r${index}.${block}`;
        const part = (end - block * BLOCK_TOKENS) / PART_TOKENS;
        if (part > PARTS_PER_BLOCK) keys.push(name);
        else parts.push(`${name}/${part}`);
      }
      return { keys, parts };
    },
  };
}

/**
 * Token ids for a prompt of the workload: equal wherever the workload says that prompts agree (by parts of 8 tokens), else drawn from the request's index.
 *
 * Shapes: [promptTokens], each in [0, vocabulary).
 */
export function syntheticPrompt(prompt: PromptKeys, request: { index: number; promptTokens: number; vocabulary: number }): Int32Array {
  const tokens = new Int32Array(request.promptTokens);
  for (let at = 0; at < tokens.length; at++) {
    const block = Math.floor(at / BLOCK_TOKENS);
    const part = Math.floor((at % BLOCK_TOKENS) / PART_TOKENS);
    const key = part < PARTS_PER_BLOCK ? prompt.parts[block * PARTS_PER_BLOCK + part] : prompt.keys[block];
    tokens[at] = mix32(seedOf(key ?? `r${request.index}.end`) ^ Math.imul(at + 1, 0x9e3779b1)) % request.vocabulary;
  }
  return tokens;
}

function seedOf(key: BlockKey): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = mix32(hash ^ key.charCodeAt(i));
  return hash;
}

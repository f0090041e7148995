import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { BLOCK_TOKENS, type BlockKey } from "./block.ts";

/** What fixes the meaning of every block of a sequence, apart from its tokens. */
export interface KeyScope {
  /** Fingerprint of the model. */
  readonly model: string;
  /** Separates tenants that must not see each other's cache; empty for none. */
  readonly salt: string;
}

const KEY_BYTES = 16;

/** Parent of the first block of a sequence. */
export function rootKey(scope: KeyScope): BlockKey {
  const text = `heddle-kv-1\n${scope.model.length}:${scope.model}\n${scope.salt.length}:${scope.salt}`;
  return shorten(sha256(utf8(text)));
}

/**
 * Key of the block that holds tokens [from, from + 64), given its parent's key.
 *
 * `numerics` names the weight formats that computed the block (for example `int8-row`); blocks of unequal numerics never share a key.
 */
export function blockKey(parent: BlockKey, tokens: ArrayLike<number>, options: { from: number; numerics: string }): BlockKey {
  const head = utf8(`${parent}\n${options.numerics}\n`);
  const bytes = new Uint8Array(head.length + BLOCK_TOKENS * 4);
  bytes.set(head);
  const view = new DataView(bytes.buffer, head.length);
  for (let i = 0; i < BLOCK_TOKENS; i++) view.setUint32(i * 4, tokens[options.from + i] ?? 0, true);
  return shorten(sha256(bytes));
}

/** Keys of all whole blocks of `tokens`, as the prefill path would compute them. */
export function blockKeys(tokens: ArrayLike<number>, scope: KeyScope, numerics: string): BlockKey[] {
  const keys: BlockKey[] = [];
  let parent = rootKey(scope);
  for (let from = 0; from + BLOCK_TOKENS <= tokens.length; from += BLOCK_TOKENS) {
    parent = blockKey(parent, tokens, { from, numerics });
    keys.push(parent);
  }
  return keys;
}

function shorten(digest: Uint8Array): BlockKey {
  return bytesToHex(digest.subarray(0, KEY_BYTES));
}

/** Bytes of a text; every character of ours is ASCII or a model's name. */
function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/**
 * Requests of a run as columns; a request is a row number. One table serves all replicas: a request is at one replica at a time.
 *
 * The text of a request is its prompt and the output tokens so far: `prompt + output - left` tokens are known once they are scheduled.
 */
export interface RequestTable {
  readonly count: number;
  readonly prompt: Int32Array;
  /** Output tokens until it ends here. */
  readonly output: Int32Array;
  /** Ids of the leading key blocks of the prompts, `keyStart[i]` to `keyStart[i + 1]`; each is as long as a whole number of engine blocks. */
  readonly keyStart: Int32Array;
  readonly keys: Int32Array;
  /** Parallel to `keys`: 1 where the request holds a reference to the shared extent of that key. */
  readonly held: Uint8Array;
  /** Tokens whose KV is computed or under way; 0 again after a preemption. */
  readonly computed: Int32Array;
  /** Output tokens not yet scheduled. */
  readonly left: Int32Array;
  /** Engine blocks that cover its tokens, and how many of them belong to no shared extent. */
  readonly blocks: Int32Array;
  readonly ownBlocks: Int32Array;
  /** Leading keys that are complete, whether shared or not. */
  readonly keysDone: Int32Array;
  /** Extent that keeps its own blocks after a preemption; -1 without. */
  readonly parked: Int32Array;
  /** Blocks of its text before those. */
  readonly parkedAt: Int32Array;
  /** Prompt tokens that its replica still has to compute, as far as is known. */
  readonly pending: Int32Array;
  /** Whether its KV is computed here or comes from another replica: one of `KV`. */
  readonly kv: Uint8Array;
  /** Leading tokens whose KV comes from elsewhere. */
  readonly loaded: Int32Array;
  /** Of those, the ones that come over a link: all but what its replica's cache has. */
  readonly fetched: Int32Array;
  /** 1: its blocks stay when it ends, until `letGo`. */
  readonly keep: Uint8Array;
  /** Replica it was sent to; -1 before. */
  readonly at: Int32Array;
  /** Prompt tokens found in the cache at the first admission; -1 before. */
  readonly cached: Int32Array;
  /** First admission; -1 before. Units: ns. */
  readonly admittedNs: Float64Array;
  /** Adapter (LoRA) it is served with, -1: none; absent where no request has one. */
  readonly adapter?: Int32Array;
  /** Images of its prompt; absent where no request has any. */
  readonly images?: RequestImages;
  /** With adapters: what it was passed over for, bits of `WANT`. */
  readonly passed?: Uint8Array;
}

/** Images as columns: those of request `i` are `start[i]` to `start[i + 1]`, in the order they stand in its prompt. */
export interface RequestImages {
  readonly start: Int32Array;
  /** First token of each, and how many it has. */
  readonly at: Int32Array;
  readonly tokens: Int32Array;
  readonly patches: Int32Array;
  readonly content: Int32Array;
  /** 1: the request holds what its replica made of it. */
  readonly held: Uint8Array;
}

/** Where a request's KV comes from. */
export const KV = {
  /** Computed here. */
  own: 0,
  /** It must come from elsewhere: blocks are allocated first. */
  wanted: 1,
  /** Under way into its blocks. */
  coming: 2,
  /** There: the request can run. */
  here: 3,
} as const;

export interface RequestFacts {
  readonly count: number;
  readonly prompt: Int32Array;
  readonly output: Int32Array;
  readonly keyStart: Int32Array;
  readonly keys: Int32Array;
  readonly adapter?: Int32Array;
  readonly images?: RequestImages;
}

export function requestTable({ count, prompt, output, keyStart, keys, adapter, images }: RequestFacts): RequestTable {
  const column = (): Int32Array => new Int32Array(count);
  return {
    count,
    prompt,
    output,
    keyStart,
    keys,
    held: new Uint8Array(keys.length),
    computed: column(),
    left: Int32Array.from(output),
    blocks: column(),
    ownBlocks: column(),
    keysDone: column(),
    parked: column().fill(-1),
    parkedAt: column(),
    pending: column(),
    kv: new Uint8Array(count),
    loaded: column(),
    fetched: column(),
    keep: new Uint8Array(count),
    at: column().fill(-1),
    cached: column().fill(-1),
    admittedNs: new Float64Array(count).fill(-1),
    ...(images === undefined ? {} : { images }),
    ...(adapter === undefined ? {} : { adapter, passed: new Uint8Array(count) }),
  };
}

/** Tokens of a request's text that exist, those under way included. */
export function knownTokens(requests: RequestTable, request: number): number {
  return requests.prompt[request]! + requests.output[request]! - requests.left[request]!;
}

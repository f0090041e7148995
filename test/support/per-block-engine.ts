import { emptyBatch } from "../../src/cost/iteration/iteration-cost.ts";
import type { ServingInput } from "../../src/simulate/serving/serving-input.ts";

/**
 * One replica of vLLM, block by block and iteration by iteration, as its scheduler and KV manager are written: an oracle that shares no code and no
 * representation with the program. Trace blocks must be engine blocks; open loop.
 */
export function perBlockEngine({ requests, replicas }: ServingInput): PerBlockOutcome {
  const { blockTokens, kvBlocks, cost } = replicas[0]!;
  const rules = replicas[0]!.rules!;
  const blocks = Array.from({ length: kvBlocks - rules.reservedBlocks }, (): Block => ({ hash: undefined, refs: 0 }));
  let free = [...blocks];
  const cache = new Map<string, Block>();
  const all = Array.from({ length: requests.count }, (_, id) => newRequest(requests, id, blockTokens));
  const outcome: PerBlockOutcome = { first: [], last: [], cached: [], preemptions: 0, duplicates: 0 };
  const known = (r: Request): number => r.prompt + r.output - r.left;
  const hashOf = (r: Request, i: number): string => (i < r.keys.length ? `k${r.keys[i]}` : `r${r.id}.${i}`);

  const take = (r: Request, tokens: number): boolean => {
    const wanted = Math.ceil(tokens / blockTokens) - r.blocks.length;
    if (wanted > free.length) return false;
    for (let i = 0; i < wanted; i++) {
      const block = free.shift()!;
      if (block.hash !== undefined) cache.delete(block.hash);
      block.hash = undefined;
      block.refs = 1;
      r.blocks.push(block);
    }
    return true;
  };
  const letGo = (r: Request): void => {
    for (const block of r.blocks.reverse()) if (--block.refs === 0) free.push(block);
    r.blocks = [];
  };
  const remember = (r: Request, tokens: number): void => {
    if (!rules.prefixCaching) return;
    for (let i = 0; i < Math.floor(tokens / blockTokens); i++) {
      const block = r.blocks[i]!;
      if (block.hash !== undefined) continue;
      const hash = hashOf(r, i);
      if (cache.has(hash)) outcome.duplicates += 1;
      else {
        block.hash = hash;
        cache.set(hash, block);
      }
    }
  };
  const found = (r: Request): Block[] => {
    const hits: Block[] = [];
    if (!rules.prefixCaching) return hits;
    for (let i = 0; i < Math.floor((known(r) - 1) / blockTokens); i++) {
      const block = cache.get(hashOf(r, i));
      if (block === undefined) break;
      hits.push(block);
    }
    return hits;
  };

  let running: Request[] = [];
  const waiting: Request[] = [];
  const schedule = (): Step | undefined => {
    const step: Step = { shape: emptyBatch(), firsts: [], lasts: [] };
    let budget = rules.maxBatchedTokens;
    let preempted = false;
    const add = (r: Request, count: number): void => {
      const decode = count === 1 && known(r) - r.computed === 1 && r.left < r.output && r.computed > 0 && !r.fresh;
      r.fresh = false;
      budget -= count;
      const before = r.computed;
      r.computed += count;
      remember(r, r.computed);
      if (decode) {
        step.shape.decodes += 1;
        step.shape.decodeContext += r.computed;
        step.shape.decodeContextMax = Math.max(step.shape.decodeContextMax, r.computed);
      } else {
        step.shape.prefills += 1;
        step.shape.prefillTokens += count;
        step.shape.prefillContext += count * before;
        step.shape.prefillSquares += count * count;
      }
      if (r.computed !== known(r)) return;
      if (r.left === r.output) step.firsts.push(r);
      r.left -= 1;
      if (r.left === 0) step.lasts.push(r);
    };
    for (let i = 0; i < running.length && budget > 0; i++) {
      const r = running[i]!;
      if (r.left === 0) continue;
      const count = Math.min(known(r) - r.computed, budget);
      let fits = take(r, r.computed + count);
      while (!fits) {
        const victim = running.findLast((one, k) => k >= i && one.left > 0)!;
        running = running.filter((one) => one !== victim);
        letGo(victim);
        victim.computed = 0;
        waiting.unshift(victim);
        preempted = true;
        outcome.preemptions += 1;
        if (victim === r) break;
        fits = take(r, r.computed + count);
      }
      if (fits) add(r, count);
      else i -= 1;
    }
    while (!preempted && waiting.length > 0 && budget > 0 && running.length < rules.maxSequences) {
      const r = waiting[0]!;
      const hits = found(r);
      const idle = hits.filter(({ refs }) => refs === 0).length;
      if (Math.ceil(known(r) / blockTokens) - hits.length + idle > free.length) break;
      waiting.shift();
      for (const block of hits) if (block.refs++ === 0) free = free.filter((one) => one !== block);
      r.blocks = hits;
      r.computed = hits.length * blockTokens;
      outcome.cached[r.id] ??= r.computed;
      const count = Math.min(known(r) - r.computed, budget);
      take(r, r.computed + count);
      running.push(r);
      r.fresh = true;
      add(r, count);
    }
    return step.shape.prefills + step.shape.decodes > 0 ? step : undefined;
  };

  let now = 0;
  let next = 0;
  let executing: Step | undefined;
  let planned: Step | undefined;
  for (;;) {
    if (executing === undefined && waiting.length === 0 && running.length === 0) {
      if (next === requests.count) return outcome;
      now = Math.max(now, requests.arrivalNs[next]!);
    }
    while (next < requests.count && requests.arrivalNs[next]! <= now) {
      const r = all[next++]!;
      if (Math.ceil((r.prompt + r.output - 1) / blockTokens) <= blocks.length) waiting.push(r);
    }
    for (const r of executing?.firsts ?? []) outcome.first[r.id] = now;
    for (const r of executing?.lasts ?? []) {
      running = running.filter((one) => one !== r);
      letGo(r);
      outcome.last[r.id] = now;
    }
    executing = rules.stepsAhead === 1 ? planned : undefined;
    planned = undefined;
    executing ??= schedule() ?? schedule();
    if (executing === undefined) continue;
    if (rules.stepsAhead === 1) planned = schedule();
    now += Math.max(1, Math.round(cost.iterationNs(executing.shape)));
  }
}

export interface PerBlockOutcome {
  readonly first: number[];
  readonly last: number[];
  readonly cached: number[];
  preemptions: number;
  /** Blocks computed although another with the same content was there: engines keep both, the program forgets the second. */
  duplicates: number;
}

interface Block {
  hash: string | undefined;
  refs: number;
}

interface Step {
  readonly shape: ReturnType<typeof emptyBatch>;
  readonly firsts: Request[];
  readonly lasts: Request[];
}

interface Request {
  readonly id: number;
  readonly prompt: number;
  readonly output: number;
  readonly keys: readonly number[];
  left: number;
  computed: number;
  blocks: Block[];
  /** Admitted in this iteration. */
  fresh: boolean;
}

function newRequest(requests: ServingInput["requests"], id: number, blockTokens: number): Request {
  const prompt = requests.promptTokens[id]!;
  const output = requests.outputTokens[id]!;
  const ids = [...requests.blockIds.subarray(requests.blockStart[id], requests.blockStart[id + 1])];
  return { id, prompt, output, keys: ids.slice(0, Math.floor(prompt / blockTokens)), left: output, computed: 0, blocks: [], fresh: false };
}

import { assert } from "../../src/base/assert.ts";
import type { StepCost } from "../../src/cost/step-cost.ts";
import type { FromReplica, SubmitMessage } from "../../src/engine/messages.ts";
import { createReplicaEngine, type ReplicaEngine } from "../../src/engine/replica-engine.ts";
import type { ReplicaCommand, ReplicaEvent, Sample, StepTask, TaskId } from "../../src/engine/replica-engine-types.ts";
import type { ReplicaConfig, ReplicaDeciders } from "../../src/engine/replica-state.ts";
import type { PolicyParameters } from "../../src/plan/plan.ts";
import { chunkedPrefill } from "../../src/policy/policies/chunked-prefill.ts";
import { BLOCK_TOKENS, PART_TOKENS, pagesFor } from "../../src/state/block.ts";
import { assertSlotsSound } from "../../src/state/slots.ts";

/** A step costs 1 ms, 10 us a prompt token and 100 us a stream. */
export const LINEAR_COST: StepCost = {
  stageNs: (_stage, shape) =>
    1_000_000 + 10_000 * shape.prefill.reduce((sum, chunk) => sum + chunk.count, 0) + 100_000 * shape.decodeContexts.length,
  handOverNs: () => 1_000,
  spread: { systematic: 0, noise: 0 },
};

export const TEST_POLICY: PolicyParameters = {
  maxChunkTokens: 128,
  maxStepStretch: 2,
  queueLimit: 8,
  kvReuse: "strict",
  prefixCache: true,
  hostTimeoutNs: 1_000_000_000,
};

export const TEST_REPLICA: ReplicaConfig = {
  stages: 1,
  workingPages: 32,
  sealedSlots: 16,
  maxSequences: 4,
  contextLimit: 1024,
  sealDecoded: true,
  policy: TEST_POLICY,
  reportIntervalNs: 50_000_000,
};

/** Token `index` of a request, whatever happens to it on the way. */
export function tokenOf(request: number, index: number): number {
  return request * 10_000 + index;
}

/** Key of block `block` of a request whose prompts share their first `shared` blocks with all others; of its first `tokens` tokens. */
export function keyOf(request: number, block: number, shared = 0, tokens = BLOCK_TOKENS): string {
  const name = block + tokens / BLOCK_TOKENS <= shared ? `shared.${block}` : `r${request}.${block}`;
  return tokens === BLOCK_TOKENS ? name : `${name}/${tokens}`;
}

/** Keys of the first 8, 16, … tokens of a block, up to `tokens` of it. */
export function runOf(request: number, block: number, tokens: number, shared = 0): string[] {
  return Array.from({ length: Math.floor(tokens / PART_TOKENS) }, (_, i) => keyOf(request, block, shared, (i + 1) * PART_TOKENS));
}

export function submission(request: number, facts: Partial<SubmitMessage> & { promptTokens: number }, shared = 0): SubmitMessage {
  const blocks = Math.floor(facts.promptTokens / BLOCK_TOKENS);
  const keys = Array.from({ length: blocks }, (_, block) => keyOf(request, block, shared));
  const parts = Array.from({ length: blocks + 1 }, (_, block) =>
    runOf(request, block, Math.min(facts.promptTokens - block * BLOCK_TOKENS, BLOCK_TOKENS - PART_TOKENS), shared),
  ).flat();
  return { type: "submit", request, attempt: 0, delivered: 0, maxNewTokens: 4, keys, parts, priority: 0, ...facts };
}

interface LaneContent {
  readonly request: number;
  tokens: number;
}

/** A replica engine with an executor that holds no tensors: it knows what every lane and slot holds, and checks each task against that. */
export class ReplicaRig {
  readonly engine: ReplicaEngine;
  readonly config: ReplicaConfig;
  readonly deciders: ReplicaDeciders;
  readonly sent: FromReplica[] = [];
  readonly started: { readonly task: TaskId; readonly step: StepTask }[] = [];
  readonly inFlight: TaskId[] = [];
  now = 0;
  timerAt: number | undefined;
  /** Requests whose model stops after this many tokens. */
  readonly stopAfter = new Map<number, number>();
  readonly #lanes = new Map<number, LaneContent>();
  readonly #slots = new Map<number, { readonly generation: number; readonly keys: readonly string[] }>();
  readonly #submitted = new Map<number, SubmitMessage>();
  readonly #sampled = new Map<number, number>();
  readonly #outcomes = new Map<TaskId, { readonly samples: Sample[]; readonly sealedKeys: string[][] }>();
  readonly #shared: number;

  constructor(config: Partial<ReplicaConfig> = {}, given: Partial<ReplicaDeciders> & { shared?: number } = {}) {
    this.config = { ...TEST_REPLICA, ...config };
    this.#shared = given.shared ?? 0;
    this.deciders = { batching: given.batching ?? chunkedPrefill, cost: given.cost ?? LINEAR_COST };
    this.engine = createReplicaEngine(this.config, this.deciders);
  }

  submit(request: number, facts: Partial<SubmitMessage> & { promptTokens: number }): void {
    const message = submission(request, facts, this.#shared);
    this.#submitted.set(request, message);
    this.#sampled.set(request, 0);
    this.step({ type: "message", message });
  }

  cancel(request: number): void {
    this.step({ type: "message", message: { type: "cancel", request } });
  }

  step(event: ReplicaEvent): readonly ReplicaCommand[] {
    const commands = this.engine.step(event, this.now);
    for (const command of commands) {
      if (command.type === "send") this.sent.push(command.message);
      else if (command.type === "set-timer") this.timerAt = command.at;
      else this.#start(command.task, command.step);
    }
    assertSlotsSound(this.engine.snapshot().slots);
    return commands;
  }

  /** Ends the oldest task in flight; false when there is none. */
  finishOne(): boolean {
    const task = this.inFlight.shift();
    if (task === undefined) return false;
    this.now += 1_000_000;
    const outcome = this.#outcomes.get(task);
    assert(outcome !== undefined, "a task has an outcome", { task });
    this.step({ type: "task-finished", task, stageNs: new Array(this.config.stages).fill(1_000_000), ...outcome });
    return true;
  }

  failOne(): boolean {
    const task = this.inFlight.shift();
    if (task === undefined) return false;
    this.now += 1_000_000;
    for (const { target } of this.started.find((one) => one.task === task)?.step.seals ?? []) this.#slots.delete(target.slot);
    this.step({ type: "task-failed", task, detail: "planned" });
    return true;
  }

  /** Runs until nothing is in flight. */
  drain(): void {
    for (let i = 0; this.finishOne(); i++) assert(i < 100_000, "a run ends");
  }

  tokens(request: number): number[] {
    return this.sent.flatMap((message) => (message.type === "token" && message.request === request ? [message.token] : []));
  }

  ends(request: number): FromReplica[] {
    return this.sent.filter((message) => (message.type === "finished" || message.type === "failed") && message.request === request);
  }

  cachedTokens(request: number): number | undefined {
    for (const message of this.sent) if (message.type === "started" && message.request === request) return message.cachedTokens;
    return undefined;
  }

  #start(task: TaskId, step: StepTask): void {
    this.started.push({ task, step });
    this.inFlight.push(task);
    assert(this.inFlight.length <= this.config.stages, "no more tasks than stages are in flight");
    for (const lane of step.closes) assert(this.#lanes.delete(lane), "an open lane is closed", { lane });
    for (const { lane, request, gather, gatherTokens } of step.opens) {
      assert(!this.#lanes.has(lane), "a closed lane is opened", { lane });
      gather.forEach((ref, block) => {
        const held = this.#slots.get(ref.slot);
        assert(held?.generation === ref.generation, "a slot is read in its generation", { ref, held });
        const tokens = Math.min(BLOCK_TOKENS, gatherTokens - block * BLOCK_TOKENS);
        const wanted = keyOf(request, block, this.#shared, tokens);
        assert(held.keys[tokens / PART_TOKENS - 1] === wanted, "a slot holds the tokens wanted", { ref, held, wanted });
      });
      this.#lanes.set(lane, { request, tokens: gatherTokens });
    }
    const samples = step.rows.flatMap((row) => this.#compute(row));
    const sealedKeys = step.seals.map(({ lane, block, tokens, target }) => {
      const content = this.#lanes.get(lane);
      assert(content !== undefined && content.tokens >= block * BLOCK_TOKENS + tokens, "what is sealed is there", { lane, block, tokens });
      const keys = runOf(content.request, block, tokens, this.#shared);
      this.#slots.set(target.slot, { generation: target.generation, keys });
      return keys;
    });
    this.#checkPages();
    this.#outcomes.set(task, { samples, sealedKeys });
  }

  #compute(row: StepTask["rows"][number]): Sample[] {
    const content = this.#lanes.get(row.lane);
    assert(content !== undefined && content.tokens === row.start, "a row goes on where its lane ends", row);
    const { request } = content;
    const submitted = this.#submitted.get(request)!;
    const sampled = this.#sampled.get(request)!;
    content.tokens += row.count;
    const known = submitted.promptTokens + sampled;
    assert(content.tokens <= known, "only known tokens are computed", { row, known });
    assert(row.sample === (content.tokens === known), "the last known token is sampled from", { row, known });
    if (!row.sample) return [];
    this.#sampled.set(request, sampled + 1);
    return [{ token: tokenOf(request, submitted.delivered + sampled), stop: this.stopAfter.get(request) === sampled }];
  }

  #checkPages(): void {
    let pages = 0;
    for (const { tokens } of this.#lanes.values()) pages += pagesFor(tokens);
    assert(pages <= this.config.workingPages, "lanes stay within their pages", { pages });
  }
}

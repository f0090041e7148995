import { must } from "../../base/assert.ts";
import type { Lane, OpenSequence, Seal, StepRow, StepTask } from "../../engine/replica-engine-types.ts";
import type { DecoderSpec } from "../../graph/decoder/spec.ts";
import { BLOCK_TOKENS, type SlotRef } from "../../state/block.ts";
import { GREEDY } from "../sampling/sampling.ts";
import type { LoadedStage } from "../stage-driver.ts";

/** What a bench needs to know of the stage it drives. */
export interface BenchStage {
  readonly stage: LoadedStage;
  readonly spec: DecoderSpec;
  /** The stage embeds tokens; any other takes the residual stream. */
  readonly first: boolean;
  /** Where the driver seals no blocks, every past is computed anew before what is timed. */
  readonly sealedBlocks: boolean;
}

/** Prompt chunk while the shared past is made. */
const FILL_CHUNK = 128;
/** Longest past that is computed for lanes that cannot gather one. Units: tokens. */
const COMPUTED_PAST_MAX = 512;
/** Generator of input tokens: any spread of ids will do, a full period is what matters. */
const TOKEN_STEP = 7919;

/**
 * Drives one loaded stage by hand, as an engine would: keeps the length of every lane, makes inputs, and times steps. Sealed blocks of one prompt
 * stand in for the past of every sequence, so a long context costs a copy instead of a prefill where the driver has such blocks. Times are the stage's own busy ns.
 */
export class StageBench {
  readonly #bench: BenchStage;
  readonly #lengths = new Map<Lane, number>();
  #opens: OpenSequence[] = [];
  #closes: Lane[] = [];
  #past: SlotRef[] = [];
  /** Tokens of the past that lanes still lack, where no sealed block brings them. */
  readonly #due = new Map<Lane, number>();
  #reach = 0;
  #requests = 0;
  #generation = 0;
  #tokens = 0;

  constructor(bench: BenchStage) {
    this.#bench = bench;
  }

  /** Longest past that can be gathered. Units: tokens. */
  get pastTokens(): number {
    return this.#bench.sealedBlocks ? this.#past.length * BLOCK_TOKENS : this.#reach;
  }

  /** Computes and seals a past of up to `tokens` tokens (whole blocks) for later sequences to gather; ends early after `budgetMs`. */
  async fillPast(tokens: number, budgetMs: number): Promise<void> {
    if (!this.#bench.sealedBlocks) {
      this.#reach = Math.min(tokens, COMPUTED_PAST_MAX);
      return;
    }
    const started = performance.now();
    this.open(1, 0, tokens);
    for (let done = 0; done < tokens && performance.now() - started < budgetMs; done += FILL_CHUNK) {
      const count = Math.min(FILL_CHUNK, tokens - done);
      const blocks = Array.from({ length: count / BLOCK_TOKENS }, (_, index) => done / BLOCK_TOKENS + index);
      const seals = blocks.map((block) => ({ lane: 0, block, tokens: BLOCK_TOKENS, target: { slot: block, generation: 0 } }));
      await this.#run([{ lane: 0, phase: "prefill", start: done, count, sample: false }], seals);
      this.#lengths.set(0, done + count);
      this.#past.push(...seals.map((seal) => seal.target));
    }
  }

  /** Closes all lanes and opens lanes 0 to `count - 1` with `tokens` of past each and room for a prompt of `room`; done by the next step, whose time includes the copies. */
  open(count: number, tokens: number, room = tokens): void {
    this.keep(0);
    for (let lane = 0; lane < count; lane++) {
      const gather = this.#bench.sealedBlocks ? this.#gathered(tokens / BLOCK_TOKENS) : [];
      this.#opens.push({ lane, request: this.#requests++, attempt: 0, tokens: room, gather, gatherTokens: gather.length * BLOCK_TOKENS });
      this.#lengths.set(lane, gather.length * BLOCK_TOKENS);
      if (gather.length * BLOCK_TOKENS < tokens) this.#due.set(lane, tokens);
    }
  }

  /** Closes the highest lanes until `count` are open; done by the next step. */
  keep(count: number): void {
    for (const lane of [...this.#lengths.keys()].filter((one) => one >= count).sort((a, b) => b - a)) {
      this.#lengths.delete(lane);
      this.#due.delete(lane);
      if (this.#opens.some((opening) => opening.lane === lane)) this.#opens = this.#opens.filter((opening) => opening.lane !== lane);
      else this.#closes.push(lane);
    }
  }

  /** One decode step of every open lane; seals the first `sealedBlocks` blocks of lane 0 again on the way. */
  async decode(sealedBlocks = 0): Promise<number> {
    await this.#settle();
    // Slots are written over again and again, each time as a new generation.
    this.#generation += 1;
    const seals = Array.from({ length: sealedBlocks }, (_, block): Seal => {
      return { lane: 0, block, tokens: BLOCK_TOKENS, target: { slot: this.#past.length + block, generation: this.#generation } };
    });
    const rows = [...this.#lengths.entries()].sort(([a], [b]) => a - b);
    const busyNs = await this.#run(
      rows.map(([lane, start]): StepRow => ({ lane, phase: "decode", start, count: 1, sample: true })),
      seals,
    );
    for (const [lane, length] of rows) this.#lengths.set(lane, length + 1);
    return busyNs;
  }

  /** One chunk of `count` tokens on lane 0; with `sample` the head of its last position as well. */
  async prefill(count: number, sample = false): Promise<number> {
    await this.#settle();
    const start = this.#lengths.get(0) ?? 0;
    const busyNs = await this.#run([{ lane: 0, phase: "prefill", start, count, sample }], []);
    this.#lengths.set(0, start + count);
    return busyNs;
  }

  /** Opens one more lane, with no past and room for a prompt; done by the next step. */
  openPrompt(room: number): void {
    const lane = this.#lengths.size;
    this.#opens.push({ lane, request: this.#requests++, attempt: 0, tokens: room, gather: [], gatherTokens: 0 });
    this.#lengths.set(lane, 0);
  }

  /** One step of decoding rows on all lanes but the last, beside a chunk of `count` tokens on that one. */
  async mixed(count: number): Promise<number> {
    const lanes = [...this.#lengths.entries()].sort(([a], [b]) => a - b);
    const rows = lanes.map(([lane, start], index): StepRow => {
      if (index === lanes.length - 1) return { lane, phase: "prefill", start, count, sample: false };
      return { lane, phase: "decode", start, count: 1, sample: true };
    });
    const busyNs = await this.#run(rows, []);
    for (const { lane, start, count: done } of rows) this.#lengths.set(lane, start + done);
    return busyNs;
  }

  /** Blocks of the past, each time from another one on: memory that still holds some at their places would save the copies that are timed. */
  #gathered(count: number): SlotRef[] {
    const from = this.#requests;
    return Array.from({ length: count }, (_, index) =>
      must(this.#past[(from + index) % this.#past.length], "a past is gathered that was filled"),
    );
  }

  /** Computes the pasts that lanes were opened with and do not have yet; not timed. */
  async #settle(): Promise<void> {
    for (let lanes = [...this.#due]; lanes.length > 0; lanes = [...this.#due]) {
      const rows = lanes.map(([lane, tokens]): StepRow => {
        const start = this.#lengths.get(lane) ?? 0;
        return { lane, phase: "prefill", start, count: Math.min(FILL_CHUNK, tokens - start), sample: false };
      });
      await this.#run(rows, []);
      for (const { lane, start, count } of rows) {
        this.#lengths.set(lane, start + count);
        if (start + count >= (this.#due.get(lane) ?? 0)) this.#due.delete(lane);
      }
    }
  }

  async #run(rows: readonly StepRow[], seals: readonly Seal[]): Promise<number> {
    const step: StepTask = { closes: this.#closes, opens: this.#opens, rows, seals };
    this.#closes = [];
    this.#opens = [];
    const output = await this.#bench.stage.run(
      step,
      this.#input(rows.reduce((sum, row) => sum + row.count, 0)),
      rows.filter((row) => row.sample).map(() => GREEDY),
    );
    return output.busyNs;
  }

  #input(count: number): Int32Array | Float32Array {
    const { first, spec } = this.#bench;
    if (!first) return Float32Array.from({ length: count * spec.width }, (_, index) => ((index * TOKEN_STEP) % 2001) / 1000 - 1);
    return Int32Array.from({ length: count }, () => (this.#tokens++ * TOKEN_STEP) % spec.vocabulary);
  }
}

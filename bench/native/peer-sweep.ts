import { quantile } from "../../src/base/statistics.ts";
import { type Side, startSide, timesOf } from "./side.ts";
import type { LlamaSetup, SideQuestion } from "./side-protocol.ts";

export interface Asked {
  readonly name: string;
  readonly question: SideQuestion;
}

/** The peer at its best for one question. */
export interface Rival extends Asked {
  readonly side: Side;
  /** How many settings were tried. */
  readonly swept: number;
}

const REPEATS = 3;
/** Decode steps of a sweep; the turns that count take more. */
const SWEEP_STEPS = 6;
/** A setting this much slower than the best one at first sight is not tried again. */
const HOPELESS = 1.5;
const SEQUENCES_MAX = 16;

/** Times every question under every setting of llama.cpp that makes sense for it and keeps the best; prints all. */
export async function sweepPeer(
  model: string,
  options: { threads: number; questions: readonly Asked[]; note: (text: string) => void },
): Promise<Rival[]> {
  const best = new Map<string, { ms: number; side: Side; swept: number }>();
  const started: Side[] = [];
  const used = (side: Side): boolean => [...best.values()].some((one) => one.side === side);
  for (const setup of settings(model, options.threads)) {
    const side = await startSide(setup);
    for (const { name, question } of options.questions) {
      if (!suits(setup, question)) continue;
      const asked: SideQuestion = question.kind === "decode" ? { ...question, steps: SWEEP_STEPS } : question;
      const times = [...(await timesOf(side, asked))];
      const hopeless = times[0]! > HOPELESS * (best.get(name)?.ms ?? Number.POSITIVE_INFINITY);
      for (let i = 1; i < REPEATS && !hopeless; i++) times.push(...(await timesOf(side, asked)));
      const ms = quantile(times, 0.5);
      const { threads, flashAttention, batchSize, sequences } = setup;
      const how = `threads ${threads}, flash attention ${flashAttention ? "on" : "off"}, batch ${batchSize}, sequences ${sequences}`;
      options.note(`llama.cpp ${name}: ${ms.toFixed(1)} ms (${how})`);
      const known = best.get(name);
      const swept = (known?.swept ?? 0) + 1;
      best.set(name, known !== undefined && known.ms <= ms ? { ...known, swept } : { ms, side, swept });
    }
    for (const other of [side, ...started]) if (!used(other)) other.close();
    started.push(side);
  }
  return options.questions.map((asked) => ({ ...asked, ...best.get(asked.name)! }));
}

function settings(model: string, most: number): LlamaSetup[] {
  const all: LlamaSetup[] = [];
  for (const threads of most === 1 ? [1] : [1, most]) {
    for (const flashAttention of [true, false]) {
      const common = { engine: "llama.cpp", model, threads, flashAttention } as const;
      all.push({ ...common, batchSize: 512, sequences: 1 }, { ...common, batchSize: 512, sequences: SEQUENCES_MAX });
      if (threads === most) all.push({ ...common, batchSize: 128, sequences: 1 }, { ...common, batchSize: 512, sequences: 4 });
    }
  }
  return all;
}

/** One sequence serves single streams and prompts, and many streams in turns; a small batch only matters to prompts. */
function suits({ batchSize, sequences }: LlamaSetup, question: SideQuestion): boolean {
  if (question.kind === "prefill") return sequences === 1;
  if (question.kind !== "decode" || batchSize !== 512) return false;
  return question.batch === 1 ? sequences === 1 : sequences === SEQUENCES_MAX || question.batch % sequences === 0;
}

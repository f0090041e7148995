import { type StageDialect, tokensFirst } from "../../graph/lower/dialect.ts";
import { BLOCK_TOKENS, pagesFor } from "../../state/block.ts";
import { type Feed, type OnnxRuntime, type OnnxSession, precisionOf, type SessionPrecision } from "../drivers/shared/onnx-session.ts";
import { chunkFeeds } from "../drivers/shared/prefill-run.ts";
import type { AttentionQuestion, ProductQuestion } from "./calibration-shapes.ts";
import { attentionModel, chainModel, productModel } from "./operator-models.ts";

/** Shortest time worth reading a clock for; quicker operators are run several times. Units: ns. */
const SPAN_NS = 300_000;
const RUNS_MAX = 64;
/** Products of so many rows are a prompt's, whose threads wait awake in some runtimes; the next smaller number that is measured is of decode steps. */
const MANY_ROWS = 32;

/** Times operators on one runtime with one number of threads. Sessions are made once a weight shape and kept. */
export interface OperatorBench {
  product(question: ProductQuestion): Promise<number>;
  attention(question: AttentionQuestion): Promise<number>;
  /** A chain of `count` small operators. */
  chain(count: number, width: number): Promise<number>;
  release(): Promise<void>;
}

export function operatorBench(runtime: OnnxRuntime, threads: number): OperatorBench {
  const sessions = new Map<string, Promise<OnnxSession>>();
  const { dialect } = runtime;
  const session = (
    key: string,
    make: () => Parameters<OnnxRuntime["createSession"]>[0],
    { precision = "f32", manyRows = false }: { readonly precision?: SessionPrecision; readonly manyRows?: boolean } = {},
  ): Promise<OnnxSession> => {
    const known = sessions.get(key) ?? runtime.createSession(make(), { threads, precision, manyRows });
    sessions.set(key, known);
    return known;
  };
  return {
    product: async (question) => {
      const { format, m, n, k } = question;
      const manyRows = m >= MANY_ROWS;
      const options = { precision: precisionOf(format), manyRows };
      const made = await session(`${format} ${n} ${k} ${manyRows}`, () => productModel(format, { n, k }, dialect), options);
      return timeRun(made, productFeeds(question));
    },
    attention: async (question) => {
      const phase = question.rows === 1 ? "decode" : "prefill";
      const { heads, kvHeads, headDim } = question;
      const key = `attention ${phase} ${heads} ${kvHeads} ${headDim}`;
      const made = await session(key, () => attentionModel(question, phase, dialect), { manyRows: phase === "prefill" });
      return timeRun(made, attentionFeeds(question, dialect));
    },
    chain: async (count, width) => timeRun(await session(`chain ${count}`, () => chainModel(count, width)), { x: float([1, width]) }),
    release: async () => {
      for (const made of sessions.values()) await (await made).release();
      sessions.clear();
    },
  };
}

/** Time of one run; the mean of several where one is too short to be read well. Units: ns. */
async function timeRun(session: OnnxSession, feeds: Readonly<Record<string, Feed>>): Promise<number> {
  await session.run(feeds);
  const first = await spanNs(session, feeds, 1);
  const runs = Math.min(RUNS_MAX, Math.ceil(SPAN_NS / Math.max(1, first)));
  // A long run is its own measurement; a short one was spoilt by whatever came before it.
  return runs === 1 ? first : (await spanNs(session, feeds, runs)) / runs;
}

async function spanNs(session: OnnxSession, feeds: Readonly<Record<string, Feed>>, runs: number): Promise<number> {
  const start = performance.now();
  for (let run = 0; run < runs; run++) await session.run(feeds);
  return (performance.now() - start) * 1e6;
}

function productFeeds({ m, k }: ProductQuestion): Readonly<Record<string, Feed>> {
  return { x: float([m, k]) };
}

/** A chunk of one sequence after a contiguous past, or one row over its pages. */
function attentionFeeds(
  { rows, context, heads, kvHeads, headDim }: AttentionQuestion,
  dialect: StageDialect,
): Readonly<Record<string, Feed>> {
  const qkv = float([rows, (heads + 2 * kvHeads) * headDim]);
  if (rows > 1) {
    const past = tokensFirst(dialect) ? [1, context, kvHeads * headDim] : [1, kvHeads, context, headDim];
    const chunk = chunkFeeds({ start: context, count: rows, past: context });
    return { qkv, past_keys: float(past), past_values: float(past), ...chunk };
  }
  const pages = Math.max(1, pagesFor(context));
  const past = [pages, kvHeads, 1, BLOCK_TOKENS, headDim];
  return {
    qkv,
    past_keys: float(past),
    past_values: float(past),
    positions: { type: "int64", data: BigInt64Array.of(0n), dims: [1, 1] },
    page_rows: { type: "int64", data: new BigInt64Array(pages), dims: [pages] },
    page_mask: { type: "float32", data: new Float32Array(pages * BLOCK_TOKENS), dims: [pages, 1, 1, 1, BLOCK_TOKENS] },
    row_pages: { type: "float32", data: new Float32Array(pages).fill(1), dims: [1, pages] },
    row_mask: { type: "float32", data: new Float32Array(pages), dims: [1, pages, 1, 1, 1, 1] },
  };
}

/** Small values of both signs: zeros and denormals would be quicker or slower than what is served. */
function float(dims: readonly number[]): Feed {
  const data = new Float32Array(dims.reduce((product, size) => product * size, 1));
  for (let index = 0; index < data.length; index++) data[index] = ((index * 7919) % 2003) / 1000 - 1;
  return { type: "float32", data, dims };
}

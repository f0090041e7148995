import { type BatchShape, emptyBatch } from "../../cost/iteration/iteration-cost.ts";
import { type ExpertParallelTimes, expertParallelPricer } from "./expert-parallel-unit.ts";

const DEVICES_A_NODE = 8;
/** Multiprocessors of an H800 or H100, and those that DeepEP's normal kernels keep while a batch is computed. Source: DeepSeek-V3, arXiv:2412.19437, section 3.2.2. */
const CORES = 132;
const EXCHANGE_CORES = 20;
/**
 * Tokens of a prefill batch on a device. Source: deepseek-ai/profile-data README (prefill profile: EP32, 4K prompts, 16K tokens a GPU); SGLang's blog names
 * the same number.
 */
const PREFILL_TOKENS = 16_384;
/** Speed a user sees: the middle of 20 to 22 tokens/s. */
const USER_TOKENS_PER_SECOND = 21;
const SEQUENCES_MAX = 1024;

/**
 * Mean prompt of DeepSeek's service: mean KV of a decoding token = prompt + output / 2 = 4,989, and prompts hold 608 tokens for 168 of output (608 and 168
 * billion a day). Source: deepseek-ai/open-infra-index@56d8685, day 6.
 */
const SERVICE_PROMPT = 4989 / (1 + 168 / 608 / 2);
const SERVICE_HITS = 0.563;

/** Output tokens/s a node of the decode unit, at the speed users see. */
export function deepseekDecodeNode(): number {
  const price = expertParallelPricer({ device: "h800-sxm", nodes: 18 }, "low-latency");
  const step = (sequences: number): number => decodeStepNs(price, sequences, 4989);
  let low = 1;
  let high = SEQUENCES_MAX;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (step(middle) <= 1e9 / USER_TOKENS_PER_SECOND) low = middle;
    else high = middle;
  }
  return (DEVICES_A_NODE * low * 1e9) / step(low);
}

/**
 * Input tokens/s a node of the prefill unit, cached ones counted.
 *
 * Limits: nodes that always have prompts to compute; the published figure is a day's mean.
 */
export function deepseekPrefillNode(): number {
  const fresh = SERVICE_PROMPT * (1 - SERVICE_HITS);
  return prefillNode({ device: "h800-sxm", nodes: 4 }, fresh, SERVICE_PROMPT - fresh) / (1 - SERVICE_HITS);
}

export function sglangPrefillNode(): number {
  return prefillNode({ device: "h100-sxm", nodes: 4 }, 2000, 0);
}

export function sglangDecodeNode(): number {
  const price = expertParallelPricer({ device: "h100-sxm", nodes: 9 }, "low-latency");
  const sequences = 256;
  return (DEVICES_A_NODE * sequences * 1e9) / decodeStepNs(price, sequences, 2000);
}

type Pricer = (shape: Readonly<BatchShape>) => ExpertParallelTimes;

/** A step of a device: two half-batches take turns where that is quicker, one computes while the other exchanges. */
function decodeStepNs(price: Pricer, sequences: number, context: number): number {
  const shape = (decodes: number): BatchShape => ({
    ...emptyBatch(),
    decodes,
    decodeContext: decodes * context,
    decodeContextMax: context,
  });
  const half = price(shape(sequences / 2));
  const whole = price(shape(sequences));
  return Math.min(2 * Math.max(half.computeNs, half.exchangeNs), whole.computeNs + whole.exchangeNs);
}

/** Computed input tokens/s a node: prompts of `fresh` new tokens after `cached`, two half-batches in turn, computing on the cores the exchange leaves. */
function prefillNode(unit: Parameters<typeof expertParallelPricer>[0], fresh: number, cached: number): number {
  const tokens = PREFILL_TOKENS / 2;
  const half = expertParallelPricer(
    unit,
    "normal",
  )({
    ...emptyBatch(),
    prefills: tokens / fresh,
    prefillTokens: tokens,
    prefillContext: tokens * cached,
    prefillSquares: tokens * fresh,
  });
  const computeNs = (half.computeNs * CORES) / (CORES - EXCHANGE_CORES);
  return (DEVICES_A_NODE * PREFILL_TOKENS * 1e9) / (2 * Math.max(computeNs, half.exchangeNs));
}

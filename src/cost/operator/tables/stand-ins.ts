import type { PeakType } from "../../../rack/peak-type.ts";
import type { DecodeAttentionQuery, ExpertQuery, OperatorQuery, PrefillAttentionQuery } from "../operator-query.ts";

/** A query whose table may stand for that of another, and what is added to the half-width of the logarithm's interval where it does. */
export interface StandIn {
  readonly query: OperatorQuery;
  readonly halfWidth: number;
}

/**
 * 90 % of the errors that a table of another kind makes on the rows of a measured one. Source: AIConfigurator's tables of H100, H200, B200 and A100
 * against one another, the largest of the four; windows on H100 (those of H200 took as long as no window, whatever the context).
 */
const OTHER_KV_PREFILL = 0.27;
const OTHER_KV_DECODE = 0.44;
const OTHER_HEAD_PREFILL = 0.45;
const OTHER_HEAD_DECODE = 0.29;
const FULL_FOR_WINDOW_PREFILL = 0.75;
const FULL_FOR_WINDOW_DECODE = 0.43;
const OTHER_LOAD = 0.37;

/** Types of one width that kernels treat alike. */
const ALIKE: Readonly<Partial<Record<PeakType, PeakType>>> = { f16: "bf16", f8e5m2: "f8e4m3" };
const HEAD_DIMENSIONS = [64, 128, 256];
const KV_TYPES: readonly PeakType[] = ["bf16", "f8e4m3"];
const LOADS: readonly ExpertQuery["load"][] = ["balanced", { powerLaw: 1.01 }, { powerLaw: 1.2 }];

/** The query as tables name it: types that kernels treat alike are one, and a window that nothing falls out of is none. */
export function plainQuery(query: OperatorQuery): OperatorQuery {
  switch (query.op) {
    case "product":
    case "experts":
      return query.type in ALIKE ? { ...query, type: alike(query.type) } : query;
    case "prefill-attention": {
      const window = query.window >= query.context + query.tokens ? 0 : query.window;
      return { ...query, window, type: alike(query.type), kvType: alike(query.kvType) };
    }
    case "decode-attention":
      return { ...query, window: query.window >= query.context ? 0 : query.window, kvType: alike(query.kvType) };
    default:
      return query;
  }
}

/** What may stand for a plain query without a table, best first. */
export function standInsOf(query: OperatorQuery): readonly StandIn[] {
  switch (query.op) {
    case "prefill-attention": {
      const full = { query: { ...query, window: 0 }, halfWidth: FULL_FOR_WINDOW_PREFILL };
      return attentionStandIns(query, full, { kv: OTHER_KV_PREFILL, head: OTHER_HEAD_PREFILL });
    }
    case "decode-attention": {
      // A decode costs what one over a context as long as its window does.
      const full = { query: { ...query, window: 0, context: Math.min(query.context, query.window) }, halfWidth: FULL_FOR_WINDOW_DECODE };
      return attentionStandIns(query, full, { kv: OTHER_KV_DECODE, head: OTHER_HEAD_DECODE });
    }
    case "experts":
      return LOADS.map((load) => ({ query: { ...query, load }, halfWidth: OTHER_LOAD }));
    default:
      return [];
  }
}

function attentionStandIns<Q extends PrefillAttentionQuery | DecodeAttentionQuery>(
  query: Q,
  full: { readonly query: Q; readonly halfWidth: number },
  widths: { readonly kv: number; readonly head: number },
): StandIn[] {
  const roots = query.window > 0 ? [{ query, halfWidth: 0 }, full] : [{ query, halfWidth: 0 }];
  return roots.flatMap((root) => [
    root,
    ...KV_TYPES.map((kvType) => ({ query: { ...root.query, kvType }, halfWidth: root.halfWidth + widths.kv })),
    ...nearHeads(query.headDim).map((headDim) => ({ query: { ...root.query, headDim }, halfWidth: root.halfWidth + widths.head })),
  ]);
}

function alike(type: PeakType): PeakType {
  return ALIKE[type] ?? type;
}

/** Head dimensions within an octave, nearest first. */
function nearHeads(headDim: number): number[] {
  const apart = (other: number): number => Math.max(other / headDim, headDim / other);
  return HEAD_DIMENSIONS.filter((other) => other !== headDim && apart(other) <= 2).sort((a, b) => apart(a) - apart(b));
}

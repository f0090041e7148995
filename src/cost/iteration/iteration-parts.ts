import { must } from "../../base/assert.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { Basis } from "../estimate.ts";
import type { OperatorModel } from "../operator/operator-model.ts";
import { weakerBasis } from "../priced.ts";
import { type Curve, risingCurve } from "./grid/curve.ts";
import { type Surface, surface } from "./grid/surface.ts";
import type { IterationFault } from "./iteration-fault.ts";
import { classOf, type Term, type TermClass } from "./terms/term.ts";

/** Prompts whose price tells what one more costs: launches are shared. */
const MANY_PROMPTS = 9;

/** Terms of one class of an iteration, summed into one table each. Times in ns. */
export interface TermTables {
  readonly tokens: Curve;
  readonly groupTokens: Curve;
  readonly sequences: Curve;
  readonly decode: Surface;
  /** One prompt of so many new tokens after so many cached, and one more such prompt beside it. */
  readonly prefill: Surface;
  readonly prefillMore: Surface;
  /** Operators of any iteration, of one that decodes, of one with prompts. */
  readonly kernels: { readonly always: number; readonly decode: number; readonly prefill: number };
}

/** Sums terms of a class, or all, into tables that fill as they are asked. */
export function termTables(operators: OperatorModel, terms: readonly Term[], wanted: TermClass | "all"): TermTables {
  const mine = terms.filter(({ name }) => wanted === "all" || classOf(name) === wanted);
  const single = (over: "tokens" | "group-tokens" | "sequences"): Curve => {
    const of = mine.filter((term) => term.over === over);
    return risingCurve((x) => total(of, (term) => termNs(operators, term, x, 0, 0)));
  };
  const decode = mine.filter((term) => term.over === "decode");
  const prefill = mine.filter((term) => term.over === "prefill");
  const prompts = (batch: number, tokens: number, context: number): number =>
    total(prefill, (term) => termNs(operators, term, batch, tokens, context));
  const count = (of: readonly Term[]): number => total(of, () => 1);
  return {
    kernels: {
      always: count(mine) - count(decode) - count(prefill),
      decode: count(decode),
      prefill: count(prefill),
    },
    tokens: single("tokens"),
    groupTokens: single("group-tokens"),
    sequences: single("sequences"),
    decode: surface((batch, context) => total(decode, (term) => termNs(operators, term, batch, context, 0))),
    prefill: surface((tokens, context) => prompts(1, tokens, context)),
    prefillMore: surface(
      (tokens, context) => Math.max(0, prompts(MANY_PROMPTS, tokens, context) - prompts(1, tokens, context)) / (MANY_PROMPTS - 1),
    ),
  };
}

function total(terms: readonly Term[], ns: (term: Term) => number): number {
  let sum = 0;
  for (const term of terms) sum += term.repeat * ns(term);
  return sum;
}

/** Queries of a term at a point; `b` and `c` where it has them. */
function queriesAt(term: Term, a: number, b: number, c: number): ReturnType<Term["queries"]> {
  if (term.over === "decode") return term.queries(a, b);
  return term.over === "prefill" ? term.queries(a, b, c) : term.queries(a);
}

/** Errors: `no-basis` thrown where no way to do it has a price at this size (construction has tried the usual sizes). */
function termNs(operators: OperatorModel, term: Term, a: number, b: number, c: number): number {
  let best = Number.POSITIVE_INFINITY;
  let missing = "";
  for (const query of queriesAt(term, a, b, c)) {
    const priced = operators.price(query);
    if (!priced.ok) missing = priced.error.missing;
    else if (priced.value.ns < best) best = priced.value.ns;
  }
  if (best === Number.POSITIVE_INFINITY) throw new HeddleError("no-basis", { where: operators.source, detail: `${term.name}: ${missing}` });
  return best;
}

/** Price of a term in words: what a report shows, or why there is none. */
export interface TermPrice {
  readonly ns: number;
  readonly spread: number;
  readonly basis: Basis;
}

export function priceTerm(operators: OperatorModel, term: Term, at: readonly [number, number, number]): Result<TermPrice, IterationFault> {
  let best: TermPrice | undefined;
  let missing = "";
  for (const query of queriesAt(term, ...at)) {
    const priced = operators.price(query);
    if (!priced.ok) missing = priced.error.missing;
    else if (best === undefined || priced.value.ns < best.ns) best = priced.value;
  }
  if (best === undefined) return err({ code: "no-basis", missing: `${term.name}: ${missing}` });
  return ok({ ns: best.ns * term.repeat, spread: best.spread, basis: best.basis });
}

/** Sum of prices whose errors are shared, as `sumPriced`. */
export function sumTerms(prices: readonly TermPrice[]): TermPrice {
  let ns = 0;
  let width = 0;
  let basis: Basis = must(prices[0], "an iteration has terms").basis;
  for (const price of prices) {
    ns += price.ns;
    width += price.ns * price.spread;
    basis = weakerBasis(basis, price.basis);
  }
  return { ns, spread: ns > 0 ? width / ns : 0, basis };
}

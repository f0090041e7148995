import { type Bindings, constant, constantOf, type Expression, evaluate, subtract, symbol, symbolsOf } from "../ir/expression.ts";
import { invalid, unsupported } from "./failures.ts";
import { type Fields, fieldsOf, own, textOf, unionOf, wholeOf } from "./json-fields.ts";
import { parseSize } from "./size-text.ts";

/** Least and greatest value of a symbol that the archive was exported for; undefined where it has no bound. */
export interface SymbolRange {
  readonly least: number | undefined;
  readonly greatest: number | undefined;
}

/** Sizes of one archive: its symbols, what they were when it was exported, and what they may be. */
export interface Sizes {
  readonly ranges: ReadonlyMap<string, SymbolRange>;
  /** A SymInt of the archive. Errors: `torch-export-invalid`. */
  read(value: unknown, where: string): Expression;
  /** A size of a tensor: whole and not below 0 where it is known. */
  extent(value: unknown, where: string): Expression;
  fresh(what: string): Expression;
  /** False where no run the archive is for can have both sizes equal: constants that differ, or values that differ at the exported example. */
  mayBeEqual(left: Expression, right: Expression): boolean;
}

/** Bounds that mean none. Source: torch.utils._sympy.numbers, int_oo; sys.maxsize - 1 before. */
const UNBOUNDED = Number.MAX_SAFE_INTEGER;

/** Errors: `torch-export-unsupported` for a size outside the range that the archive was exported for, or of no symbol of it. */
export function createSizes(program: Fields, given: Bindings): Sizes {
  const ranges = rangesOf(own(program, "range_constraints"));
  for (const [name, size] of Object.entries(given)) {
    const range = ranges.get(name);
    if (range === undefined)
      throw unsupported(`size ${name}`, `the archive has the symbols ${[...ranges.keys()].slice(0, 20).join(", ") || "none"}`);
    if (!Number.isSafeInteger(size) || size < (range.least ?? 0) || size > (range.greatest ?? UNBOUNDED)) {
      throw unsupported(
        `size ${name}`,
        `${size} lies outside ${range.least ?? 0} to ${range.greatest ?? "any"}, for which it was exported`,
      );
    }
  }
  const examples = new Map<string, number>();
  const opaque = new Map<string, Expression>();
  let count = 0;
  const fresh = (what: string): Expression => symbol(`${what}#${count++}`);
  const names = {
    symbol: (name: string) => (Object.hasOwn(given, name) ? constant(given[name]!) : symbol(name)),
    opaque: (text: string) => {
      const known = opaque.get(text) ?? fresh(text.slice(0, 60));
      opaque.set(text, known);
      return known;
    },
  };
  const parsed = new Map<string, Expression>();
  const expression = (value: unknown, where: string): Expression => {
    const fields = fieldsOf(value, where);
    const text = textOf(fields["expr_str"], where);
    const size = parsed.get(text) ?? parseSize(text, names);
    parsed.set(text, size);
    noteExample(examples, size, own(fields, "hint"));
    return size;
  };
  const read = (value: unknown, where: string): Expression => {
    const [kind, content] = unionOf(value, where);
    if (kind === "as_int") return constant(wholeOf(content, where));
    if (kind === "as_expr") return expression(content, where);
    throw invalid(where, `${kind} is no size`);
  };
  return {
    ranges,
    read,
    fresh,
    extent: (value, where) => {
      const size = read(value, where);
      const known = constantOf(size);
      if (known !== undefined && !(Number.isSafeInteger(known) && known >= 0)) throw invalid(where, `${known} is no size`);
      return size;
    },
    mayBeEqual: (left, right) => {
      const difference = subtract(left, right);
      const known = constantOf(difference) ?? atExample(difference, examples);
      return known === undefined || !Number.isFinite(known) || known === 0;
    },
  };
}

function rangesOf(value: unknown): ReadonlyMap<string, SymbolRange> {
  if (value === undefined) return new Map();
  const bound = (limits: Fields, name: string, where: string): number | undefined => {
    const limit = own(limits, name);
    const number = limit === undefined ? undefined : wholeOf(limit, where);
    return number === undefined || Math.abs(number) > UNBOUNDED ? undefined : number;
  };
  return new Map(
    Object.entries(fieldsOf(value, "range_constraints")).map(([name, limits]) => {
      const where = `range of ${name.slice(0, 60)}`;
      const fields = fieldsOf(limits, where);
      return [name, { least: bound(fields, "min_val", where), greatest: bound(fields, "max_val", where) }];
    }),
  );
}

/** What a symbol was when the model was exported. */
function noteExample(examples: Map<string, number>, size: Expression, hint: unknown): void {
  const [term, more] = size.terms;
  const [factor, another] = term?.factors ?? [];
  if (more !== undefined || another !== undefined || term?.coefficient !== 1 || factor?.type !== "symbol") return;
  if (typeof hint !== "object" || hint === null) return;
  const value = (hint as Fields)["as_int"];
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) examples.set(factor.name, value);
}

function atExample(size: Expression, examples: ReadonlyMap<string, number>): number | undefined {
  const symbols = symbolsOf(size);
  if (!symbols.every((name) => examples.has(name))) return undefined;
  return evaluate(size, Object.fromEntries(symbols.map((name) => [name, examples.get(name)!])));
}

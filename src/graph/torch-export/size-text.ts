import {
  add,
  ceilDivide,
  constant,
  constantOf,
  type Expression,
  floorDivide,
  maximum,
  minimum,
  multiply,
  subtract,
} from "../ir/expression.ts";
import { isLong, productOf } from "../shapes/size-arithmetic.ts";
import { invalid } from "./failures.ts";

/** How names become sizes, and what no expression holds. */
export interface SizeNames {
  symbol(name: string): Expression;
  /** A size of its own for an operation that expressions do not have. */
  opaque(text: string): Expression;
}

const MAX_TEXT = 20_000;
const MAX_DEPTH = 100;
const MAX_POWER = 8;
const TOKEN = /\s*(?:(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|([A-Za-z_][\w.]*)|'([^']*)'|(\*\*|\/\/|[-+*/%(),=]))/y;

type Token = { readonly type: "number" | "name" | "text" | "sign"; readonly text: string };

/**
 * A size as PyTorch writes it: `Add(Mul(Integer(2), Symbol('s0', positive=True)), Integer(1))`, or `2*s0 + 1` before 2.6.
 *
 * Errors: `torch-export-invalid` where it is no expression. Source: sympy's srepr and str; torch/utils/_sympy/functions.py.
 */
export function parseSize(text: string, names: SizeNames): Expression {
  const where = `size ${text.slice(0, 120)}`;
  if (text.length > MAX_TEXT) throw invalid(where, `${text.length} characters`);
  const tokens = tokensOf(text, where);
  let at = 0;
  let depth = 0;
  const takes = (sign: string): boolean => {
    const token = tokens[at];
    if (token?.type !== "sign" || token.text !== sign) return false;
    at++;
    return true;
  };
  const expected = (sign: string): void => {
    if (!takes(sign)) throw invalid(where, `"${sign}" is missing`);
  };
  const kept = (size: Expression | undefined, shown: string): Expression =>
    size === undefined || isLong(size) ? names.opaque(shown) : size;

  const sum = (): Expression => {
    if (++depth > MAX_DEPTH) throw invalid(where, "it is nested too deep");
    let left = takes("-") ? multiply(constant(-1), product()) : product();
    for (;;) {
      if (takes("+")) left = kept(add(left, product()), text);
      else if (takes("-")) left = kept(subtract(left, product()), text);
      else break;
    }
    depth--;
    return left;
  };
  const product = (): Expression => {
    let left = power();
    for (;;) {
      if (takes("*")) left = kept(productOf([left, power()]), text);
      else if (takes("//")) left = kept(operation("FloorDiv", [left, power()]), text);
      else if (takes("/")) left = kept(operation("IntTrueDiv", [left, power()]), text);
      else if (takes("%")) left = kept(operation("Mod", [left, power()]), text);
      else return left;
    }
  };
  const power = (): Expression => {
    const base = single();
    return takes("**") ? kept(operation("Pow", [base, takes("-") ? multiply(constant(-1), single()) : single()]), text) : base;
  };
  const single = (): Expression => {
    const token = tokens[at++];
    if (token === undefined) throw invalid(where, "it ends too soon");
    if (token.type === "number") {
      if (!Number.isFinite(Number(token.text))) throw invalid(where, "a number is too large");
      return constant(Number(token.text));
    }
    if (token.type === "sign" && token.text === "(") {
      const inner = sum();
      expected(")");
      return inner;
    }
    if (token.type !== "name") throw invalid(where, `"${token.text.slice(0, 40)}" is no size`);
    return takes("(") ? call(token.text) : names.symbol(token.text);
  };
  const call = (name: string): Expression => {
    const start = at;
    if (name === "Symbol") {
      const token = tokens[at++];
      if (token?.type !== "text") throw invalid(where, "a symbol has no name");
      while (!takes(")")) if (++at > tokens.length) throw invalid(where, '")" is missing');
      return names.symbol(token.text);
    }
    const parts: Expression[] = [];
    while (!takes(")")) {
      if (parts.length > 0) expected(",");
      parts.push(sum());
    }
    const shown = `${name}(${tokens
      .slice(start, at)
      .map((token) => token.text)
      .join("")}`;
    return kept(operation(name, parts), shown);
  };
  const size = sum();
  if (at < tokens.length) throw invalid(where, `"${tokens[at]!.text.slice(0, 40)}" follows`);
  return size;
}

function tokensOf(text: string, where: string): readonly Token[] {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const match = TOKEN.exec(text);
    if (match === null) throw invalid(where, "it holds characters that no size has");
    const [, number, name, quoted, sign] = match;
    tokens.push({
      type: number !== undefined ? "number" : name !== undefined ? "name" : quoted !== undefined ? "text" : "sign",
      text: number ?? name ?? quoted ?? sign!,
    });
  }
  return tokens;
}

/** Undefined for what no expression holds. */
function operation(name: string, parts: readonly Expression[]): Expression | undefined {
  const [left, right, more] = parts;
  if (left === undefined) return undefined;
  switch (name.split(".").at(-1)) {
    case "Integer":
    case "Float":
    case "Identity":
    case "TruncToInt":
    case "ToFloat":
      return right === undefined ? left : undefined;
    case "floor":
      return right === undefined ? floorDivide(left, constant(1)) : undefined;
    case "ceiling":
      return right === undefined ? ceilDivide(left, constant(1)) : undefined;
    case "Add":
      return parts.length > 64 ? undefined : add(...parts);
    case "Mul":
      return productOf(parts);
    case "Max":
      return parts.length > 8 ? undefined : parts.reduce(maximum);
    case "Min":
      return parts.length > 8 ? undefined : parts.reduce(minimum);
  }
  if (right === undefined || more !== undefined) return undefined;
  return binary(name.split(".").at(-1)!, left, right);
}

function binary(name: string, left: Expression, right: Expression): Expression | undefined {
  const [a, b] = [constantOf(left), constantOf(right)];
  switch (name) {
    case "FloorDiv":
    case "CleanDiv":
      return b === 0 ? undefined : floorDivide(left, right);
    case "CeilDiv":
      return b === 0 ? undefined : ceilDivide(left, right);
    case "Rational":
    case "IntTrueDiv":
      return a === undefined || b === undefined || b === 0 ? undefined : constant(a / b);
    case "Mod":
    case "PythonMod": {
      const whole = b === 0 ? undefined : productOf([floorDivide(left, right), right]);
      return whole && subtract(left, whole);
    }
    case "Pow":
    case "PowByNatural": {
      if (b === -1 && a !== undefined && a !== 0) return constant(1 / a);
      return b !== undefined && b >= 0 && b <= MAX_POWER && Number.isInteger(b) ? productOf(new Array(b).fill(left)) : undefined;
    }
    default:
      return undefined;
  }
}

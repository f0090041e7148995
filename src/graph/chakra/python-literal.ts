/** A value in Python's notation: lists (and tuples), numbers, texts, and names such as None and True as texts. */
export type Literal = number | string | readonly Literal[];

const TOKEN = /\s*(?:([[\](),])|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^\s[\](),'"]+))/y;
const MAX_DEPTH = 32;

/** Undefined where the text is no such value. Complexity: linear. */
export function parseLiteral(text: string): Literal | undefined {
  const open: Literal[][] = [[]];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const match = TOKEN.exec(text);
    if (match === null) return undefined;
    const [, sign, single, double, plain] = match;
    if (sign === "[" || sign === "(") {
      if (open.length > MAX_DEPTH) return undefined;
      open.push([]);
    } else if (sign === "]" || sign === ")") {
      const closed = open.pop();
      if (closed === undefined || open.length === 0) return undefined;
      open.at(-1)!.push(closed);
    } else if (sign === undefined) {
      open.at(-1)!.push(plain !== undefined && /^-?\d/.test(plain) ? Number(plain) : (single ?? double ?? plain ?? ""));
    }
  }
  const [values, more] = open;
  return more === undefined && values!.length === 1 ? values![0] : undefined;
}

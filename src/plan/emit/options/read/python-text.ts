/** One call in Python source: its arguments as text, in order. */
export interface PythonCall {
  readonly positional: readonly string[];
  readonly named: ReadonlyMap<string, string>;
  /** What follows `**`. */
  readonly spread: readonly string[];
}

const CLOSERS: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

/**
 * Calls of a function or method in Python source, read without running it. Works on brackets and strings alone: what is computed (choices from an
 * enumeration, names put together) is left to the reader of the call.
 */
export function pythonCalls(text: string, name: string): PythonCall[] {
  const calls: PythonCall[] = [];
  const pattern = new RegExp(`(?<!def )(?<![\\w])${name.replace(/\./g, "\\.")}\\(`, "g");
  for (const match of text.matchAll(pattern)) {
    const open = match.index + match[0].length - 1;
    const close = closingBracket(text, open);
    // A bracket that never closes leaves no Python behind it.
    if (close === undefined) break;
    calls.push(callOf(text.slice(open + 1, close)));
  }
  return calls;
}

/** Arguments of a call given the text between its brackets. */
export function callOf(inner: string): PythonCall {
  const positional: string[] = [];
  const spread: string[] = [];
  const named = new Map<string, string>();
  for (const part of splitTop(inner)) {
    const assigned = /^([A-Za-z_]\w*)\s*=(?!=)\s*([\s\S]*)$/.exec(part);
    if (part.startsWith("**")) spread.push(part.slice(2).trim());
    else if (assigned === null) positional.push(part);
    else named.set(assigned[1]!, assigned[2]!.trim());
  }
  return { positional, named, spread };
}

/** Where the bracket opened at `open` closes; undefined where it does not. */
export function closingBracket(text: string, open: number): number | undefined {
  const stack = [CLOSERS[text[open]!]];
  for (let at = open + 1; at < text.length; at++) {
    const end = skipped(text, at);
    if (end > at) {
      at = end - 1;
      continue;
    }
    const char = text[at]!;
    if (CLOSERS[char] !== undefined) stack.push(CLOSERS[char]);
    else if (char === stack[stack.length - 1]) stack.pop();
    if (stack.length === 0) return at;
  }
  return undefined;
}

/** Parts between commas that stand in no bracket and no string; comments removed. */
export function splitTop(text: string): string[] {
  const parts: string[] = [];
  let part = "";
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const end = skipped(text, at);
    if (end > at) {
      if (text[at] !== "#") part += text.slice(at, end);
      at = end - 1;
      continue;
    }
    const char = text[at]!;
    if ("([{".includes(char)) depth++;
    if (")]}".includes(char)) depth--;
    if (char === "," && depth === 0) {
      parts.push(part.trim());
      part = "";
    } else part += char;
  }
  parts.push(part.trim());
  return parts.filter((each) => each !== "");
}

/** Value of a string literal, prefixes and `{prefix}` fields of f-strings dropped; undefined for all else. */
export function stringLiteral(expression: string): string | undefined {
  const match = /^[rbfu]{0,2}("""|'''|"|')([\s\S]*)\1$/i.exec(expression.trim());
  if (match === null) return undefined;
  return match[2]!.includes(match[1]!) ? undefined : match[2]!.replace(/\{\w+\}/g, "");
}

/** Strings of a list, tuple or `Literal[...]`; undefined where an element is no string literal. */
export function stringList(expression: string): string[] | undefined {
  const match = /^(?:Literal)?[[(]([\s\S]*)[\])]$/.exec(expression.trim());
  if (match === null) return undefined;
  const parts = splitTop(match[1]!).map(stringLiteral);
  return parts.every((each) => each !== undefined) ? parts : undefined;
}

/** End of the string or comment that starts at `at`, or `at` itself. */
function skipped(text: string, at: number): number {
  const char = text[at];
  if (char === "#") {
    const end = text.indexOf("\n", at);
    return end < 0 ? text.length : end;
  }
  if (char !== '"' && char !== "'") return at;
  const quote = text.startsWith(char.repeat(3), at) ? char.repeat(3) : char;
  for (let end = at + quote.length; end < text.length; end++) {
    if (text[end] === "\\") end++;
    else if (text.startsWith(quote, end)) return end + quote.length;
  }
  return text.length;
}

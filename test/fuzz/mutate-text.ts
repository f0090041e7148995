import type { Prng } from "../../src/base/prng.ts";

/** Pieces that trouble parsers of YAML and JSON: indicators, numbers at the edges, names of prototypes, odd characters. */
const HOSTILE: readonly string[] = [
  "&a ",
  "*a",
  "!!binary ",
  "<<: *a",
  "---\n",
  "...\n",
  "? ",
  "- ",
  "- - - - ",
  "[[[[",
  "{{{{",
  "]",
  "}",
  "|\n",
  ">-\n",
  "%YAML 9.9\n",
  "\t",
  "\u0000",
  "\ud800",
  "\ufeff",
  "__proto__: ",
  '"__proto__": {"x": 1},',
  "constructor",
  "1e999",
  "-1",
  "-0",
  "0x7fffffffffffffff",
  "9007199254740993",
  ".inf",
  "null",
  "~",
  "''",
  '"',
  "'",
  "#",
  ":",
  ",",
];

/** One damaged copy of `text`: up to eight edits, each a flipped bit, a cut, a repeat, a swap of lines or a hostile piece put in. */
export function mutateText(text: string, prng: Prng): string {
  let result = text;
  for (let edits = 1 + prng.nextBelow(8); edits > 0; edits--) result = edit(result, prng);
  return result;
}

function edit(text: string, prng: Prng): string {
  const at = prng.nextBelow(text.length + 1);
  const to = Math.min(text.length, at + 1 + prng.nextBelow(prng.nextBelow(4) === 0 ? 400 : 12));
  switch (prng.nextBelow(7)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + text.slice(to);
    case 2:
      return text.slice(0, to) + text.slice(at);
    case 3:
      return text.slice(0, at) + String.fromCharCode((text.charCodeAt(at) || 65) ^ (1 << prng.nextBelow(8))) + text.slice(at + 1);
    case 4:
      return swapLines(text, prng);
    case 5:
      return (
        text.slice(0, at) +
        (HOSTILE[prng.nextBelow(HOSTILE.length)] ?? "").repeat(1 + prng.nextBelow(3) * prng.nextBelow(60)) +
        text.slice(at)
      );
    default:
      return replaceNumber(text, prng);
  }
}

function swapLines(text: string, prng: Prng): string {
  const lines = text.split("\n");
  const a = prng.nextBelow(lines.length);
  const b = prng.nextBelow(lines.length);
  [lines[a], lines[b]] = [lines[b] ?? "", lines[a] ?? ""];
  return lines.join("\n");
}

/** Replaces one number of the text by another, which often keeps its form valid and breaks a relation. */
function replaceNumber(text: string, prng: Prng): string {
  const numbers = [...text.matchAll(/\d+(\.\d+)?/g)];
  const match = numbers[prng.nextBelow(Math.max(1, numbers.length))];
  if (match === undefined) return text;
  const values = ["0", "1", "-1", "2", "1e300", "1e-300", "0.5", "4294967296", String(prng.nextBelow(100))];
  return text.slice(0, match.index) + (values[prng.nextBelow(values.length)] ?? "") + text.slice(match.index + match[0].length);
}

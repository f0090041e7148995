import { closingBracket } from "./python-text.ts";

/** Annotated fields of a class in Python source: name and annotation, as written. */
export function classFields(text: string, className?: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const body of classBodies(text, className)) {
    for (const match of body.text.matchAll(/^ {4}([a-z_]\w*)\s*:\s*(?=\S)/gm)) {
      const from = match.index + match[0].length;
      fields.set(match[1]!, annotationAt(body.text, from));
    }
  }
  return fields;
}

/** Assignments `Name = ...` and `Name: TypeAlias = ...` at the margin: names of types, lists of choices. */
export function moduleNames(text: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const match of text.matchAll(/^([A-Za-z_]\w*)(?:\s*:\s*TypeAlias)?\s*=\s*(?=\S)/gm)) {
    names.set(match[1]!, annotationAt(text, match.index + match[0].length));
  }
  return names;
}

function classBodies(text: string, className: string | undefined): { readonly text: string }[] {
  const bodies: { text: string }[] = [];
  for (const match of text.matchAll(/^class (\w+)[^\n]*:\s*$|^class (\w+)\([\s\S]*?\):\s*$/gm)) {
    if (className !== undefined && (match[1] ?? match[2]) !== className) continue;
    const from = match.index + match[0].length;
    const rest = text.slice(from);
    const end = /^\S/m.exec(rest.replace(/^[^\n]*\n/, (line) => " ".repeat(line.length)));
    bodies.push({ text: end === null ? rest : rest.slice(0, end.index) });
  }
  return bodies;
}

/** Text up to the end of the line or the `=`, brackets closed first. */
function annotationAt(text: string, from: number): string {
  for (let at = from; at < text.length; at++) {
    const char = text[at]!;
    if ("([{".includes(char)) at = closingBracket(text, at) ?? text.length;
    else if (char === "\n" || char === "=") return text.slice(from, at).trim();
  }
  return text.slice(from).trim();
}

import { measurementsInvalid } from "../measurement-error.ts";

/** An element of a small XML text: its name, attributes and the element around it (-1 for the outermost). */
export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly parent: number;
}

const TEXT_LENGTH_MAX = 16_777_216;
const TAG = /<(\/?)([A-Za-z_][\w.-]*)((?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/y;
const ATTRIBUTE = /([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

/**
 * Elements of an XML text in document order, for files that programs write: elements, attributes, comments and the declaration; text between tags, entities
 * and namespaces mean nothing here.
 *
 * Errors: `measurements-invalid` with the line of a tag that is damaged or not closed.
 */
export function xmlElements(text: string, file: string): XmlElement[] {
  if (text.length > TEXT_LENGTH_MAX) throw measurementsInvalid({ file }, `${text.length} characters, at most ${TEXT_LENGTH_MAX} are read`);
  const elements: XmlElement[] = [];
  const open: number[] = [];
  const fault = (at: number, detail: string): Error => measurementsInvalid({ file, line: text.slice(0, at).split("\n").length }, detail);
  for (let at = text.indexOf("<"); at >= 0; at = text.indexOf("<", at)) {
    const skipped = text.startsWith("<!--", at) ? "-->" : text.startsWith("<?", at) ? "?>" : text.startsWith("<!", at) ? ">" : undefined;
    if (skipped !== undefined) {
      const end = text.indexOf(skipped, at + 2);
      if (end < 0) throw fault(at, `${text.slice(at, at + 4)} is not closed`);
      at = end + skipped.length;
      continue;
    }
    TAG.lastIndex = at;
    const tag = TAG.exec(text);
    if (tag === null) throw fault(at, "a tag is damaged");
    const [whole, closing, name, attributes, empty] = tag;
    if (closing === "/") {
      const last = open.pop();
      if (last === undefined || elements[last]!.name !== name) throw fault(at, `</${name}> closes what is not open`);
    } else {
      elements.push({ name: name!, attributes: attributesOf(attributes!), parent: open.at(-1) ?? -1 });
      if (empty !== "/") open.push(elements.length - 1);
    }
    at += whole.length;
  }
  if (open.length > 0) throw fault(text.length, `<${elements[open.at(-1)!]!.name}> is not closed`);
  return elements;
}

function attributesOf(text: string): Map<string, string> {
  return new Map(Array.from(text.matchAll(ATTRIBUTE), ([, name, double, single]): [string, string] => [name!, double ?? single ?? ""]));
}

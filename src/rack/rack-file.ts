import { Document, isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from "yaml";
import { HeddleError } from "../base/heddle-error.ts";
import type { Rack } from "./rack.ts";
import { checkRack } from "./rack-check.ts";
import { rackSchema } from "./rack-schema.ts";
import { fieldPath, firstIssue } from "./schema-parts.ts";
import { withFileRows, withWholeRows } from "./whole-rows.ts";

/** Longest rack file read, in characters: a device with full tables takes 30,000 or fewer, and this much parses in seconds. */
export const RACK_TEXT_MAX = 2_097_152;
/** Deepest nesting of flow collections, and longest run of indentation and indicators at the start of a line: deeper text exhausts a YAML parser. */
const FLOW_DEPTH_MAX = 32;
const INDENT_MAX = 128;

/**
 * Reads a rack file (YAML).
 *
 * Errors: `rack-invalid` with line and field; never anything else, whatever the text.
 */
export function readRack(text: string): Rack {
  checkText(text);
  const lines = new LineCounter();
  const document = parse(text, lines);
  const problem = document.errors[0];
  if (problem !== undefined) throw invalid(lines.linePos(problem.pos[0]).line, "the text", firstLine(problem.message));
  refuseRepeatedKeys(document, lines);
  const content = plainContent(document);
  const checked = rackSchema.safeParse(content);
  if (!checked.success) {
    const { path, message } = firstIssue(checked.error);
    throw invalid(lineOf(document, path, lines), fieldPath(path), message);
  }
  const fault = checkRack(checked.data);
  if (fault !== undefined) throw invalid(lineOf(document, fault.path, lines), fieldPath(fault.path), fault.message);
  return withWholeRows(checked.data);
}

/** Writes a rack as YAML; `readRack` of it gives an equal rack. Rows of tables stand one a line. */
export function writeRack(rack: Rack): string {
  const document = new Document(withFileRows(rack), { aliasDuplicateObjects: false });
  visit(document, {
    Seq: (_key, node) => {
      const first = node.items[0];
      if (first !== undefined && !isMap(first) && !isSeq(first)) node.flow = true;
    },
    Map: (_key, node) => {
      if (node.items.every((pair) => !isMap(pair.value) && !isSeq(pair.value))) node.flow = node.has("ns");
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** Bounds what the YAML parser is given: very deep text makes it overflow or run out of memory. */
function checkText(text: string): void {
  if (text.length > RACK_TEXT_MAX) throw invalid(1, "the whole file", `${text.length} characters, at most ${RACK_TEXT_MAX} are read`);
  let depth = 0;
  let prefix = 0;
  let inPrefix = true;
  let line = 1;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (character === "\n" || character === "\r") {
      if (character === "\n") line += 1;
      prefix = 0;
      inPrefix = true;
      continue;
    }
    if (inPrefix) {
      inPrefix = " \t-?:".includes(character);
      if (inPrefix && ++prefix > INDENT_MAX) throw invalid(line, "the text", `nested deeper than ${INDENT_MAX} columns`);
    }
    if (character === "[" || character === "{") depth += 1;
    else if (character === "]" || character === "}") depth = Math.max(0, depth - 1);
    if (depth > FLOW_DEPTH_MAX) throw invalid(line, "the text", `nested deeper than ${FLOW_DEPTH_MAX} brackets`);
  }
}

function parse(text: string, lineCounter: LineCounter): Document.Parsed {
  try {
    return parseDocument(text, { lineCounter, schema: "core", merge: false, prettyErrors: false, uniqueKeys: false });
  } catch (thrown) {
    throw invalid(1, "the text", thrown instanceof Error ? firstLine(thrown.message) : "cannot be parsed", thrown);
  }
}

/** The parser's own check compares every pair of keys, which takes minutes for a long map; this one takes one pass. */
function refuseRepeatedKeys(document: Document.Parsed, lines: LineCounter): void {
  visit(document, {
    Map: (_key, map) => {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key)) throw invalid(lines.linePos(startOf(key) ?? 0).line, "the text", "a key must be a plain name");
        if (seen.has(key.value)) throw invalid(lines.linePos(startOf(key) ?? 0).line, String(key.value), "the field is given twice");
        seen.add(key.value);
      }
    },
  });
}

/** The document as plain values. Aliases are refused: a rack file needs none, and a few of them can unfold without bound. */
function plainContent(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (thrown) {
    throw invalid(1, "the text", "aliases (*name) are not read in rack files", thrown);
  }
}

/** Line of the node at `path`, or of the closest one above it. */
function lineOf(document: Document.Parsed, path: readonly PropertyKey[], lines: LineCounter): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const step of path) {
    node = isMap(node) || isSeq(node) ? node.get(step, true) : undefined;
    offset = startOf(node) ?? offset;
  }
  return Math.max(1, lines.linePos(offset).line);
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? ((node as Node).range?.[0] ?? undefined) : undefined;
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}

function invalid(line: number, field: string, problem: string, cause?: unknown): HeddleError {
  return new HeddleError("rack-invalid", { where: `line ${line}, ${field}`, detail: problem, cause });
}

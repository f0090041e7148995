import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from "yaml";
import type { z } from "zod";
import type { ErrorCode } from "../base/error-codes.ts";
import { HeddleError } from "../base/heddle-error.ts";
import { fieldPath, firstIssue } from "./schema-parts.ts";

/** How a kind of YAML file is read: the code of its errors, the bound on its text, and its form. */
export interface YamlForm<T> {
  readonly code: ErrorCode;
  readonly schema: z.ZodType<T>;
  /** Units: characters. */
  readonly textMax: number;
}

/** What a YAML text holds, and how to complain about a field of it. */
export interface YamlContent<T> {
  readonly value: T;
  /** The error of this kind of file at the line of a field. */
  invalidAt(path: readonly PropertyKey[], problem: string): HeddleError;
}

/** Deepest nesting of flow collections, and longest run of indentation and indicators at the start of a line: deeper text exhausts a YAML parser. */
const FLOW_DEPTH_MAX = 32;
const INDENT_MAX = 128;

type Invalid = (line: number, field: string, problem: string, cause?: unknown) => HeddleError;

/**
 * Reads YAML (or JSON, which is YAML) of a given form.
 *
 * Errors: the form's code with line and field; never anything else, whatever the text.
 */
export function readYaml<T>(text: string, form: YamlForm<T>): YamlContent<T> {
  const invalid: Invalid = (line, field, problem, cause) =>
    new HeddleError(form.code, { where: `line ${line}, ${field}`, detail: problem, cause });
  checkText(text, form.textMax, invalid);
  const lines = new LineCounter();
  const document = parse(text, lines, invalid);
  const problem = document.errors[0];
  if (problem !== undefined) throw invalid(lines.linePos(problem.pos[0]).line, "the text", firstLine(problem.message));
  refuseRepeatedKeys(document, lines, invalid);
  const content = plainContent(document, invalid);
  const invalidAt = (path: readonly PropertyKey[], message: string): HeddleError =>
    invalid(lineOf(document, path, lines), fieldPath(path), message);
  const checked = form.schema.safeParse(content);
  if (!checked.success) {
    const { path, message } = firstIssue(checked.error);
    throw invalidAt(path, message);
  }
  return { value: checked.data, invalidAt };
}

/** Bounds what the YAML parser is given: very deep text makes it overflow or run out of memory. */
function checkText(text: string, textMax: number, invalid: Invalid): void {
  if (text.length > textMax) throw invalid(1, "the whole file", `${text.length} characters, at most ${textMax} are read`);
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

function parse(text: string, lineCounter: LineCounter, invalid: Invalid): Document.Parsed {
  try {
    return parseDocument(text, { lineCounter, schema: "core", merge: false, prettyErrors: false, uniqueKeys: false });
  } catch (thrown) {
    throw invalid(1, "the text", thrown instanceof Error ? firstLine(thrown.message) : "cannot be parsed", thrown);
  }
}

/** The parser's own check compares every pair of keys, which takes minutes for a long map; this one takes one pass. */
function refuseRepeatedKeys(document: Document.Parsed, lines: LineCounter, invalid: Invalid): void {
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

/** The document as plain values. Aliases are refused: no file of ours needs one, and a few of them can unfold without bound. */
function plainContent(document: Document.Parsed, invalid: Invalid): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (thrown) {
    throw invalid(1, "the text", "aliases (*name) are not read", thrown);
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

import { layerOf, PURE_LAYERS } from "./layers.ts";

export interface SourceFile {
  /** Path relative to the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Untidiness {
  readonly path: string;
  readonly line: number;
  readonly rule: string;
  readonly found: string;
}

interface LineRule {
  readonly rule: string;
  readonly pattern: RegExp;
  readonly applies: (path: string) => boolean;
}

const isTest = (path: string): boolean => path.endsWith(".test.ts") || path.startsWith("test/");
const isSource = (path: string): boolean => path.startsWith("src/") && !isTest(path);
const isPure = (path: string): boolean => isSource(path) && PURE_LAYERS.includes(layerOf(path) ?? "");

const LINE_RULES: readonly LineRule[] = [
  { rule: "unfinished", pattern: /\b(TODO|FIXME|XXX|HACK)\b/, applies: isSource },
  { rule: "bare-error", pattern: /\bnew Error\(/, applies: (path) => isSource(path) && layerOf(path) !== "base" },
  { rule: "any", pattern: /(:|<|\bas) any\b/, applies: (path) => !isTest(path) },
  { rule: "enum", pattern: /^\s*(export )?(const )?enum /, applies: () => true },
  { rule: "console", pattern: /\bconsole\.(log|error|warn|info|debug)\b/, applies: isSource },
  { rule: "pure-node", pattern: /from ["']node:/, applies: isPure },
  {
    rule: "pure-time",
    pattern: /\b(Date\.now|new Date\(|performance\.|setTimeout|setInterval|setImmediate|queueMicrotask|process\.)/,
    applies: isPure,
  },
  { rule: "pure-chance", pattern: /\b(Math\.random|crypto\.)/, applies: isPure },
  {
    rule: "pure-math",
    pattern: /\bMath\.(?!abs\b|min\b|max\b|floor\b|ceil\b|round\b|trunc\b|sign\b|sqrt\b|imul\b|fround\b|clz32\b)[a-zA-Z0-9]+/,
    applies: isPure,
  },
  { rule: "pure-power", pattern: /[\w)\]] \*\*=? /, applies: isPure },
  { rule: "narrowed-test", pattern: /\b(it|test|describe)\.only\b/, applies: isTest },
];

/** Longest file in lines; a file over it needs splitting. Tests may be longer. */
const FILE_LINES_MAX = 500;
const TEST_LINES_MAX = 800;

/** House rules a formatter does not know, over the text of every TypeScript file. Comments and string contents are not code. */
export function tidy(files: readonly SourceFile[]): Untidiness[] {
  return files.filter((file) => !file.path.includes("/generated/")).flatMap((file) => [...lengthOf(file), ...linesOf(file)]);
}

function lengthOf(file: SourceFile): Untidiness[] {
  const lines = file.text.split("\n").length;
  const most = isTest(file.path) ? TEST_LINES_MAX : FILE_LINES_MAX;
  return lines > most ? [{ path: file.path, line: lines, rule: "file-length", found: `${lines} lines, at most ${most}` }] : [];
}

function linesOf(file: SourceFile): Untidiness[] {
  const rules = LINE_RULES.filter((rule) => rule.applies(file.path));
  const raw = file.text.split("\n");
  const code = withoutComments(file.text).split("\n");
  const found: Untidiness[] = [];
  for (let i = 0; i < raw.length; i++) {
    for (const { rule, pattern } of rules) {
      const line = rule === "unfinished" ? raw[i] : rule === "pure-node" ? raw[i] : code[i];
      if (line !== undefined && pattern.test(line))
        found.push({ path: file.path, line: i + 1, rule, found: (raw[i] ?? "").trim().slice(0, 100) });
    }
  }
  return found;
}

/** Replaces comments and the contents of strings by spaces, keeping line numbers. Template expressions stay in place of their text. */
export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|(?<![:\\])\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g, (match) =>
    match.replace(/[^\n]/g, " "),
  );
}

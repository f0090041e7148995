/** The one bench runner: `npm run bench -- <name> [--json] [--check] [-- <options of the bench>]`. */
import { readdirSync } from "node:fs";
import { loadavg } from "node:os";
import { ERROR_CODES } from "../src/base/error-codes.ts";
import { HeddleError } from "../src/base/heddle-error.ts";
import { note, printResult, table } from "../src/cli/output.ts";
import { type Bench, type BenchReport, type Figure, keepsFloor } from "./bench.ts";

const EXIT_MISSED = 1;
const EXIT_USAGE = 2;

const folder = new URL(".", import.meta.url);
const names = readdirSync(folder)
  .map((file) => /^(.+)\.bench\.(?:js|ts)$/.exec(file)?.[1])
  .filter((name) => name !== undefined);

const USAGE = `usage: npm run bench -- <name> [--json] [--check] [-- <options of the bench>]
benches: ${names.join(", ")}
With --check the exit status is 1 where a figure misses its floor. Example: npm run bench -- native --check`;

const [given, ...rest] = split(process.argv.slice(2));
const name = given?.find((argument) => !argument.startsWith("-"));
const OWN = ["--json", "--check"];
const unknown =
  given?.find((argument) => argument.startsWith("-") && !OWN.includes(argument)) ?? rest.flat().find((argument) => OWN.includes(argument));
if (given?.includes("--help") === true) {
  printResult(false, undefined, () => USAGE);
  process.exit(0);
}
// What a bench is to take would else be dropped, and all of it run.
const misplaced = given?.filter((argument) => !argument.startsWith("-"))[1];
if (name === undefined || !names.includes(name) || unknown !== undefined || misplaced !== undefined) {
  const why = misplaced === undefined ? "" : `\n${misplaced}: goes behind --`;
  note(unknown === undefined ? `${USAGE}${why}` : `${USAGE}\n${unknown}: ${OWN.includes(unknown) ? "goes before --" : "unknown"}`);
  process.exit(EXIT_USAGE);
}

const json = given?.includes("--json") === true;
const ending = import.meta.url.endsWith(".js") ? "js" : "ts";
const loaded = (await import(new URL(`${name}.bench.${ending}`, folder).href)) as { readonly bench: Bench };
note(`load of the machine before: ${loadavg()[0]?.toFixed(2)}`);
const report = await loaded.bench.run({ note, rest: rest.flat() }).catch((thrown: unknown): never => {
  if (!(thrown instanceof HeddleError)) throw thrown;
  note(`${thrown.message} [${thrown.code}]`);
  process.exit(ERROR_CODES[thrown.code].exit);
});
printResult(json, { name, load: loadavg()[0], ...report }, () => textOf(report));
const missed = report.figures.filter((figure) => keepsFloor(figure) === false);
for (const figure of missed) note(`missed: ${figure.name} = ${shown(figure.value)} ${figure.unit}, floor ${boundsOf(figure)}`);
process.exit(given?.includes("--check") === true && missed.length > 0 ? EXIT_MISSED : 0);

/** Arguments of the runner, then those after `--`. */
function split(all: readonly string[]): [readonly string[], readonly string[]] {
  const at = all.indexOf("--");
  return at < 0 ? [all, []] : [all.slice(0, at), all.slice(at + 1)];
}

function textOf({ setup, figures }: BenchReport): string {
  const rows = figures.map((figure) => [figure.name, shown(figure.value), figure.unit, boundsOf(figure), verdictOf(figure)]);
  return [...setup, table(["figure", "value", "unit", "floor", ""], rows)].join("\n");
}

function verdictOf(figure: Figure): string {
  const kept = keepsFloor(figure);
  return kept === undefined ? "" : kept ? "ok" : "missed";
}

function boundsOf({ floor }: Figure): string {
  if (floor === undefined) return "";
  return [floor.min === undefined ? [] : [`>= ${floor.min}`], floor.max === undefined ? [] : [`<= ${floor.max}`]].flat().join(", ");
}

function shown(value: number): string {
  return value.toPrecision(3).replace(/e\+?(-?\d+)$/, (_all, power: string) => `e${power}`);
}

import { readFileSync, statSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { HeddleError } from "../base/heddle-error.ts";
import { writeWhole } from "../execute/discover/rack-cache.ts";
import { version } from "../version.ts";
import { type AccuracyDocument, type AccuracyPartResult, readAccuracy, writeAccuracy } from "./accuracy/accuracy-document.ts";
import { ACCURACY_HEAD, accuracyCells, accuracyPage, besideLines, byProtocol, coverageText } from "./accuracy/accuracy-page.ts";
import { ACCURACY_PART_IDS } from "./accuracy/accuracy-part.ts";
import { accuracyRegressions } from "./accuracy/accuracy-regress.ts";
import { type DataFolder, dataFolder, namingData } from "./accuracy/data-folder.ts";
import { note, printResult, table } from "./output.ts";

interface ValidateOptions {
  readonly data?: string;
  readonly part?: readonly string[];
  readonly writeDocs?: string;
  readonly check?: boolean;
  readonly json?: boolean;
}

const EXIT_WORSE = 1;

export async function validate({ data, part: wanted, writeDocs, check, json }: ValidateOptions): Promise<void> {
  for (const id of wanted ?? []) {
    if (ACCURACY_PART_IDS.every((part) => part !== id))
      throw new HeddleError("usage", { where: "--part", detail: `${id} is no part; there are ${ACCURACY_PART_IDS.join(", ")}` });
  }
  if (writeDocs !== undefined && data === undefined)
    throw new HeddleError("usage", { where: "--write-docs", detail: "writes what was computed: give --data" });
  if (check === true && data === undefined)
    throw new HeddleError("usage", { where: "--check", detail: "holds what was computed against the stored table: give --data" });
  const chosen = (id: string): boolean => wanted === undefined || wanted.includes(id);
  const document = data === undefined ? storedAccuracy() : await computed(dataFolder(data), chosen);
  const shown = { ...document, parts: document.parts.filter(({ id }) => chosen(id)) };
  if (writeDocs !== undefined) {
    // Parts that were not asked for stay as they were stored.
    const stored = wanted === undefined ? [] : storedAccuracy().parts;
    const parts = ACCURACY_PART_IDS.flatMap((id) => [...shown.parts, ...stored].find((part) => part.id === id) ?? []);
    const text = writeAccuracy({ ...shown, parts });
    writeWhole(writeDocs.replace(/\.md$/, ".json"), text);
    // The page is of what was written, digits included.
    writeWhole(writeDocs, accuracyPage(readAccuracy(text)));
  }
  const worse = check === true ? accuracyRegressions(storedAccuracy(), shown) : [];
  for (const line of worse) note(`worse: ${line}`);
  if (worse.length > 0) process.exitCode = EXIT_WORSE;
  printResult(json === true, shown, () => accuracyText(shown, data));
}

async function computed(data: DataFolder, chosen: (id: string) => boolean): Promise<AccuracyDocument> {
  if (statSync(data.path, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new HeddleError("file-unreadable", { where: data.path, detail: "there is no such folder" });
  const { ACCURACY_PARTS } = await import("./accuracy/accuracy-parts.ts");
  const results: AccuracyPartResult[] = [];
  for (const { id, title, needs, beside, rows } of ACCURACY_PARTS.filter((part) => chosen(part.id))) {
    const result = { id, title, beside: [...beside] };
    if (!data.has(needs)) {
      results.push({ ...result, rows: [], missing: `${needs} is not in the folder of data` });
      continue;
    }
    note(`validating: ${id}`);
    // Lets a signal end the program between parts.
    await setImmediate();
    results.push({ ...result, rows: await namingData(data, needs, () => rows(data)) });
  }
  return { version: 1, heddle: version, parts: results };
}

/** The document that came with this version. */
function storedAccuracy(): AccuracyDocument {
  const here = import.meta.url;
  return readAccuracy(
    readFileSync(new URL(here.endsWith(".js") ? "../../../docs/accuracy.json" : "../../docs/accuracy.json", here), "utf8"),
  );
}

function accuracyText({ heddle, parts }: AccuracyDocument, data: string | undefined): string {
  const lines = parts.flatMap((part) => {
    if (part.rows.length === 0) return [part.title, `  not computed: ${part.missing ?? "no rows"}`, ""];
    return [
      part.title,
      ...byProtocol(part.rows).flatMap(({ protocol, rows }) => [
        `protocol: ${protocol}`,
        table(ACCURACY_HEAD, rows.map(accuracyCells)),
        coverageText(rows),
      ]),
      ...besideLines(part).map((line) => `published: ${line}`),
      "",
    ];
  });
  const origin = data === undefined ? `as it came with heddle ${heddle}; --data computes it anew` : `computed from ${data}`;
  return [...lines, `Errors are |predicted / measured - 1|; this table is ${origin}.`].join("\n");
}

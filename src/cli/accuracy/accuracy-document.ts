import { z } from "zod";
import { HeddleError } from "../../base/heddle-error.ts";
import type { AccuracyRow } from "../../cost/accuracy/accuracy-row.ts";
import { fieldPath, firstIssue } from "../../rack/schema-parts.ts";

/** What `heddle validate --json` prints and `docs/accuracy.json` holds. */
export interface AccuracyDocument {
  readonly version: 1;
  /** Version of heddle that computed it. */
  readonly heddle: string;
  readonly parts: readonly AccuracyPartResult[];
}

export interface AccuracyPartResult {
  readonly id: string;
  readonly title: string;
  readonly beside: readonly string[];
  readonly rows: readonly AccuracyRow[];
  /** Why there are no rows. */
  readonly missing?: string;
}

const ratio = z.number();
const row = z.strictObject({
  dataSet: z.string(),
  protocol: z.string(),
  family: z.string(),
  device: z.string(),
  engine: z.string(),
  points: z.int().min(0),
  excluded: z.record(z.string(), z.int().min(0)),
  meanError: ratio,
  medianError: ratio,
  p90: ratio,
  signedMean: ratio,
  coverage: z.exactOptional(ratio),
  medianHalfWidth: z.exactOptional(ratio),
  total: z.exactOptional(z.literal(true)),
  published: z.exactOptional(z.string()),
});
const documentSchema = z.strictObject({
  version: z.literal(1),
  heddle: z.string(),
  parts: z.array(
    z.strictObject({
      id: z.string(),
      title: z.string(),
      beside: z.array(z.string()),
      rows: z.array(row),
      missing: z.exactOptional(z.string()),
    }),
  ),
});

/** Reads a stored document. Errors: `internal`: it comes with the program. */
export function readAccuracy(text: string): AccuracyDocument {
  const checked = documentSchema.safeParse(JSON.parse(text));
  if (checked.success) return checked.data;
  const { path, message } = firstIssue(checked.error);
  throw new HeddleError("internal", { where: `accuracy.json, ${fieldPath(path)}`, detail: message });
}

/** Fields of a row in the order they are written. */
const ROW_FIELDS = Object.keys(row.shape);

/** Writes a document: a row a line, ratios with four digits, which is what the measurements carry. */
export function writeAccuracy({ version, heddle, parts }: AccuracyDocument): string {
  const rounded = (_key: string, value: unknown): unknown =>
    typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
  const lines = parts.map(({ rows, ...part }) => {
    const ordered = (one: AccuracyRow): object =>
      Object.fromEntries(ROW_FIELDS.flatMap((field) => (field in one ? [[field, one[field as keyof AccuracyRow]]] : [])));
    const inner = rows.map((one) => `    ${JSON.stringify(ordered(one), rounded)}`).join(",\n");
    return `  ${JSON.stringify(part, rounded).slice(0, -1)},"rows":[${inner === "" ? "" : `\n${inner}\n  `}]}`;
  });
  return `{"version":${version},"heddle":${JSON.stringify(heddle)},"parts":[\n${lines.join(",\n")}\n]}\n`;
}

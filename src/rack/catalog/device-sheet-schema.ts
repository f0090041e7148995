import { z } from "zod";
import { peakType } from "../rack-schema.ts";
import { nameText, sourceText } from "../schema-parts.ts";

/** Above every figure of a device there is or will be soon; some peaks are beyond the integers that JavaScript counts exactly. */
const FIGURE_MAX = 1e19;

/** A figure as written: a number in base units, text with a unit or a factor, or either with its own source. */
const amount = z.union([z.number().gt(0).max(FIGURE_MAX), z.string().min(1).max(40)], "must be a number or text such as 3.35 TB/s or x2");
const written = z.union(
  [
    amount,
    z.strictObject({
      value: amount,
      basis: z.exactOptional(z.enum(["data-sheet", "measured", "derived"])),
      source: z.exactOptional(sourceText),
    }),
  ],
  "must be a number, text such as 3.35 TB/s or x2, or {value, basis, source}",
);

const link = z.union(
  [
    nameText,
    z.strictObject({
      name: z.exactOptional(nameText),
      bandwidthBytesPerSecond: z.exactOptional(written),
      latencyNs: z.exactOptional(written),
    }),
  ],
  "must be the id of a link, or {name, bandwidthBytesPerSecond, latencyNs}",
);

/** A device sheet as a file holds it; the fields are those of `DeviceSheet`. */
export const deviceSheetSchema = z.strictObject({
  id: nameText.regex(/^[a-z0-9][a-z0-9._-]*$/, "must be of lower-case letters, digits and . _ -"),
  like: z.exactOptional(nameText),
  /** Where figures without a source of their own come from. */
  source: z.exactOptional(sourceText),
  name: z.exactOptional(nameText),
  vendor: z.exactOptional(nameText),
  kind: z.exactOptional(z.enum(["cpu", "gpu", "npu", "ipu", "dataflow", "engine"])),
  year: z.exactOptional(z.int().min(1950).max(2100)),
  peaks: z.exactOptional(
    z.union([z.string().min(1).max(40), z.partialRecord(peakType, written)], `must be x2, or figures for ${peakType.options.join(", ")}`),
  ),
  memory: z.exactOptional(z.strictObject({ capacityBytes: z.exactOptional(written), bandwidthBytesPerSecond: z.exactOptional(written) })),
  cores: z.exactOptional(
    z.strictObject({ count: z.exactOptional(written), clockHz: z.exactOptional(written), localBytes: z.exactOptional(written) }),
  ),
  cache: z.exactOptional(z.strictObject({ bytes: z.exactOptional(written), bandwidthBytesPerSecond: z.exactOptional(written) })),
  scaleUp: z.exactOptional(link),
  host: z.exactOptional(link),
  network: z.exactOptional(link),
  perNode: z.exactOptional(written),
  powerWatts: z.exactOptional(written),
  dollarsPerHour: z.exactOptional(written),
});

export type WrittenSheet = z.infer<typeof deviceSheetSchema>;
export type WrittenFigure = z.infer<typeof written>;
export type WrittenLink = z.infer<typeof link>;

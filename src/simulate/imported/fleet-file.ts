import { z } from "zod";
import { HeddleError } from "../../base/heddle-error.ts";
import { IMAGE_SIDE_MAX } from "../../graph/architecture/image-rule.ts";
import type { Deployment } from "../../plan/deployment/deployment.ts";
import { type FilledDefault, readDeployment } from "../../plan/deployment/deployment-file.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import { readDeviceSheet } from "../../rack/catalog/device-sheet-file.ts";
import { fieldPath, firstIssue, nameText, sourceText } from "../../rack/schema-parts.ts";
import type { RequestColumns } from "../serving/serving-input.ts";
import { REQUEST_IMAGES_MAX, WORKLOAD_NS_MAX, WORKLOAD_TOKENS_MAX } from "../workload/workload.ts";
import { imageLists, imagesOfLists } from "./image-lists.ts";
import type { MeasuredColumns } from "./measured-columns.ts";

/** A fleet that runs: what it is, what it was asked, what was measured. One file, with nothing beside it. */
export interface FleetFile {
  /** Where its parts come from, for people. */
  readonly source: string;
  readonly deployment: Deployment;
  readonly defaults: readonly FilledDefault[];
  /** Sheets of devices that no catalogue has, by the name the deployment gives them. */
  readonly devices: Readonly<Record<string, DeviceSheet>>;
  /** Configuration of a model that no catalogue has. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly workload: { readonly source: string; readonly requests: RequestColumns };
  readonly measured?: MeasuredColumns;
}

/** Longest fleet file read. Units: characters. */
const FLEET_TEXT_MAX = 536_870_912;
const ROWS_MAX = 2_000_000;

const times = z.array(z.number().min(-1).max(WORKLOAD_NS_MAX)).max(ROWS_MAX);
const tokens = z.array(z.int().min(1).max(WORKLOAD_TOKENS_MAX)).max(ROWS_MAX);
const ids = z.array(z.int().min(0).max(2_147_483_647));

/** Width, height, and a number that equal images have in common. */
const image = z.tuple([z.int().min(1).max(IMAGE_SIDE_MAX), z.int().min(1).max(IMAGE_SIDE_MAX), z.int().min(0).max(2_147_483_647)]);

const fleetSchema = z.strictObject({
  version: z.literal(1),
  kind: z.literal("heddle-fleet"),
  source: sourceText,
  deployment: z.record(z.string(), z.unknown()),
  devices: z.record(nameText, z.record(z.string(), z.unknown())),
  config: z.exactOptional(z.record(z.string(), z.unknown())),
  workload: z.strictObject({
    source: sourceText,
    arrivalNs: z.array(z.number().min(0).max(WORKLOAD_NS_MAX)).min(1).max(ROWS_MAX),
    promptTokens: tokens,
    outputTokens: tokens,
    blockTokens: z.int().min(1).max(WORKLOAD_TOKENS_MAX),
    blocks: z.exactOptional(z.array(ids).max(ROWS_MAX)),
    after: z.exactOptional(z.array(z.int().min(-1).max(ROWS_MAX)).max(ROWS_MAX)),
    thinkNs: z.exactOptional(times),
    adapter: z.exactOptional(z.array(z.int().min(-1).max(ROWS_MAX)).max(ROWS_MAX)),
    adapterRanks: z.exactOptional(z.array(z.int().min(0).max(4096)).max(ROWS_MAX)),
    images: z.exactOptional(z.array(z.array(image).max(REQUEST_IMAGES_MAX)).max(ROWS_MAX)),
  }),
  measured: z.exactOptional(z.strictObject({ clock: z.enum(["client", "engine"]), firstTokenNs: times, endNs: times })),
});

/** Errors: `fleet-invalid` naming the field; those of deployments and device sheets for these parts. */
export function readFleetFile(text: string): FleetFile {
  if (text.length > FLEET_TEXT_MAX) throw invalid("the whole file", `${text.length} characters, at most ${FLEET_TEXT_MAX} are read`);
  const checked = fleetSchema.safeParse(parse(text));
  if (!checked.success) {
    const { path, message } = firstIssue(checked.error);
    throw invalid(fieldPath(path), message);
  }
  const { source, workload, measured, config } = checked.data;
  const devices = Object.fromEntries(
    Object.entries(checked.data.devices).map(([name, sheet]) => [name, readDeviceSheet(JSON.stringify(sheet, null, 1))]),
  );
  const requests = columnsOf(workload);
  for (const part of ["firstTokenNs", "endNs"] as const) {
    if (measured !== undefined && measured[part].length !== requests.count) {
      throw invalid(`measured.${part}`, `${measured[part].length} entries for ${requests.count} requests`);
    }
  }
  return {
    source,
    ...readDeployment(JSON.stringify(checked.data.deployment, null, 1)),
    devices,
    ...(config === undefined ? {} : { config }),
    workload: { source: workload.source, requests },
    ...(measured === undefined
      ? {}
      : {
          measured: {
            clock: measured.clock,
            firstTokenNs: Float64Array.from(measured.firstTokenNs),
            endNs: Float64Array.from(measured.endNs),
          },
        }),
  };
}

/** Whether a text is such a file. */
export function isFleetText(text: string): boolean {
  return text.trimStart().startsWith("{") && text.slice(0, 200).includes('"heddle-fleet"');
}

/** Writes a fleet; `readFleetFile` of it gives an equal one, without defaults. */
export function writeFleetFile({ source, deployment, devices, config, workload, measured }: FleetFile): string {
  const { requests } = workload;
  const shared = requests.blockIds.length > 0;
  return `${JSON.stringify({
    version: 1,
    kind: "heddle-fleet",
    source,
    deployment,
    devices,
    ...(config === undefined ? {} : { config }),
    workload: {
      source: workload.source,
      arrivalNs: [...requests.arrivalNs],
      promptTokens: [...requests.promptTokens],
      outputTokens: [...requests.outputTokens],
      blockTokens: requests.blockTokens,
      ...(shared ? { blocks: Array.from({ length: requests.count }, (_, i) => [...blocksOf(requests, i)]) } : {}),
      ...(requests.after === undefined ? {} : { after: [...requests.after] }),
      ...(requests.thinkNs === undefined ? {} : { thinkNs: [...requests.thinkNs] }),
      ...(requests.adapter === undefined ? {} : { adapter: [...requests.adapter], adapterRanks: [...requests.adapterRanks!] }),
      ...(requests.images === undefined ? {} : { images: imageLists(requests.images, requests.count) }),
    },
    ...(measured === undefined
      ? {}
      : { measured: { clock: measured.clock, firstTokenNs: [...measured.firstTokenNs], endNs: [...measured.endNs] } }),
  })}\n`;
}

function blocksOf({ blockStart, blockIds }: RequestColumns, row: number): Int32Array {
  return blockIds.subarray(blockStart[row], blockStart[row + 1]);
}

type WorkloadPart = z.infer<typeof fleetSchema>["workload"];

function columnsOf(workload: WorkloadPart): RequestColumns {
  const count = workload.arrivalNs.length;
  for (const field of ["promptTokens", "outputTokens", "blocks", "after", "thinkNs", "adapter", "images"] as const) {
    const column = workload[field];
    if (column !== undefined && column.length !== count)
      throw invalid(`workload.${field}`, `${column.length} entries for ${count} requests`);
  }
  if ((workload.after === undefined) !== (workload.thinkNs === undefined))
    throw invalid("workload.after", "stands with thinkNs or not at all");
  if ((workload.adapter === undefined) !== (workload.adapterRanks === undefined))
    throw invalid("workload.adapter", "stands with adapterRanks or not at all");
  const blocks = workload.blocks ?? [];
  const blockStart = new Int32Array(count + 1);
  for (let i = 0; i < count; i++) blockStart[i + 1] = blockStart[i]! + (blocks[i]?.length ?? 0);
  return {
    count,
    arrivalNs: Float64Array.from(workload.arrivalNs),
    promptTokens: Int32Array.from(workload.promptTokens),
    outputTokens: Int32Array.from(workload.outputTokens),
    blockStart,
    blockIds: Int32Array.from(blocks.flat()),
    blockTokens: workload.blockTokens,
    ...(workload.after === undefined || workload.thinkNs === undefined
      ? {}
      : { after: Int32Array.from(workload.after), thinkNs: Float64Array.from(workload.thinkNs) }),
    ...(workload.adapter === undefined || workload.adapterRanks === undefined
      ? {}
      : { adapter: Int32Array.from(workload.adapter), adapterRanks: Int32Array.from(workload.adapterRanks) }),
    ...(workload.images === undefined ? {} : { images: imagesOfLists(workload.images) }),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw invalid("the text", thrown instanceof Error ? thrown.message : "is not JSON");
  }
}

function invalid(where: string, detail: string): HeddleError {
  return new HeddleError("fleet-invalid", { where, detail });
}

import { HeddleError } from "../base/heddle-error.ts";
import { readOnRack } from "../inspect/classify/rack-reading.ts";
import { RESERVE_DEFAULT } from "../inspect/classify/state-budget.ts";
import { pageDataOf } from "../inspect/page/page-data.ts";
import { inspectedModel, type ModelFlags } from "./inspect-model.ts";
import { writePage } from "./inspect-page.ts";
import { rackReadingText } from "./inspect-rack.ts";
import { inspectionText } from "./inspect-report.ts";
import { openInspectSource } from "./inspect-source.ts";
import { printResult } from "./output.ts";
import { readRackFile } from "./read-rack-file.ts";

interface InspectFlags extends ModelFlags {
  readonly operators?: boolean;
  readonly json?: boolean;
  readonly rack?: string;
  readonly reserve?: number;
  readonly html?: string;
}

/** `heddle inspect`. Errors: those of reading the model and the rack; `usage`. */
export function inspectCommand(path: string, flags: InspectFlags): void {
  const source = openInspectSource(path);
  const { inspection, graph, contextLength } = inspectedModel(source, flags);
  const { stored } = source;
  const report = { stored, operators: flags.operators === true };
  if (flags.reserve !== undefined && flags.rack === undefined)
    throw new HeddleError("usage", { where: "--reserve", detail: "it is a share of a device's memory: --rack is missing" });
  const rack = flags.rack === undefined ? undefined : readRackFile(flags.rack);
  const options = { reserve: flags.reserve ?? RESERVE_DEFAULT, contextLength };
  const reading = rack && readOnRack(graph, inspection, rack, options);
  if (flags.html !== undefined) writePage(flags.html, pageDataOf(graph, inspection, reading));
  printResult(flags.json === true, { ...inspection, stored, rack: reading }, () =>
    [inspectionText(inspection, report), ...(reading === undefined ? [] : [rackReadingText(inspection, reading)])].join("\n\n"),
  );
}

import type { DataflowConfig } from "../engine/dataflow/dataflow-config.ts";
import { createLedgerWriter, type LedgerWriter } from "../engine/ledger-writer.ts";
import { openLedgerFile, warnOfLedger } from "../execute/ledger-files/ledger-file.ts";
import { version } from "../version.ts";

export interface RackLedger {
  readonly record: LedgerWriter["record"];
  close(): void;
}

/**
 * The ledger of an open rack: `rack.ledger` in a folder, with every event and a running hash of every command; `heddle replay` reads it. It holds sizes
 * and times, no tensors.
 *
 * Errors: `file-unwritable`, also where the folder has a ledger already.
 */
export function openLedger(
  folder: string,
  given: { readonly config: DataflowConfig; readonly policy: string; readonly snapshot: () => unknown },
): RackLedger {
  const file = openLedgerFile(folder, "rack", { onLost: warnOfLedger });
  const { config, policy, snapshot } = given;
  const writer = createLedgerWriter(
    file,
    { heddle: version, node: { type: "dataflow", config, policy }, costs: [], tokens: "dropped" },
    { snapshot },
  );
  return { record: writer.record, close: () => file.close() };
}

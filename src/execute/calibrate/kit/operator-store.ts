import { createHash } from "node:crypto";
import { join } from "node:path";
import { HeddleError } from "../../../base/heddle-error.ts";
import { readTorchKit, type TorchKitResult } from "../../../cost/import/torch-kit/read-torch-kit.ts";
import { firstBasis } from "../../../cost/network/collectives/first-basis.ts";
import type { OperatorModel } from "../../../cost/operator/operator-model.ts";
import { physicsModel } from "../../../cost/operator/physics/physics-model.ts";
import { tableOperatorModel } from "../../../cost/operator/tables/table-operator-model.ts";
import type { DeviceSheet } from "../../../rack/catalog/device-sheet.ts";
import { filesIn, readIfThere, writeWhole } from "../../discover/rack-cache.ts";
import { cacheFolder } from "../../model-store/cache-folder.ts";

const HASH_DIGITS = 12;

/** Where measured operators of devices are kept: `operators` in heddle's home. */
export function operatorFolder(): string {
  return join(cacheFolder(), "operators");
}

/** Keeps what the kit measured, once however often it is imported; gives its path. Errors: `file-unwritable`. */
export function storeOperators({ file, sheet }: TorchKitResult): string {
  const text = JSON.stringify(sheet === undefined ? file : { ...file, catalogueId: sheet.id });
  const name = (sheet?.id ?? file.device.name)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 60);
  const hash = createHash("sha256").update(text).digest("hex").slice(0, HASH_DIGITS);
  const path = join(operatorFolder(), `${name}-${hash}.json`);
  writeWhole(path, text);
  return path;
}

/** All operators that were imported, of devices of the catalogue and those given. Files that cannot be read any more are passed over. */
export function storedOperators(known: readonly DeviceSheet[] = []): readonly TorchKitResult[] {
  const folder = operatorFolder();
  return filesIn(folder).flatMap((file) => {
    const text = readIfThere(join(folder, file));
    if (text === undefined) return [];
    try {
      return [readTorchKit(text, file, { known })];
    } catch (thrown) {
      if (thrown instanceof HeddleError) return [];
      throw thrown;
    }
  });
}

/**
 * Prices of a device from what was imported of it, and from its data sheet where nothing was measured; undefined where nothing was imported. Collectives
 * are not among them: the network's model has figures of its own.
 */
export function measuredOperators(sheet: DeviceSheet): OperatorModel | undefined {
  const tables = storedOperators([sheet])
    .filter((result) => result.sheet?.id === sheet.id)
    .map(({ table }) => ({ ...table, rows: table.rows.filter(({ query }) => query.op !== "collective") }));
  return tables.length === 0 ? undefined : firstBasis(tableOperatorModel(sheet, tables), physicsModel(sheet));
}

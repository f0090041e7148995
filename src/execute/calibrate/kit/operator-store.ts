import { createHash } from "node:crypto";
import { join } from "node:path";
import { HeddleError } from "../../../base/heddle-error.ts";
import { readTorchKit, type TorchKitResult } from "../../../cost/import/torch-kit/read-torch-kit.ts";
import { filesIn, readIfThere, writeWhole } from "../../discover/rack-cache.ts";
import { cacheFolder } from "../../model-store/cache-folder.ts";

const HASH_DIGITS = 12;

/** Where measured operators of devices are kept: `operators` in heddle's home. */
export function operatorFolder(): string {
  return join(cacheFolder(), "operators");
}

/** Keeps a file of the kit, once however often it is imported; gives its path. Errors: `file-unwritable`. */
export function storeOperators(text: string, { file, sheet }: TorchKitResult): string {
  const name = (sheet?.id ?? file.device.name)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 60);
  const hash = createHash("sha256").update(text).digest("hex").slice(0, HASH_DIGITS);
  const path = join(operatorFolder(), `${name}-${hash}.json`);
  writeWhole(path, text);
  return path;
}

/** All operators that were imported. Files that cannot be read any more are passed over. */
export function storedOperators(): readonly TorchKitResult[] {
  const folder = operatorFolder();
  return filesIn(folder).flatMap((file) => {
    const text = readIfThere(join(folder, file));
    if (text === undefined) return [];
    try {
      return [readTorchKit(text, file)];
    } catch (thrown) {
      if (thrown instanceof HeddleError) return [];
      throw thrown;
    }
  });
}

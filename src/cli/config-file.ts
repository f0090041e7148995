import { HeddleError } from "../base/heddle-error.ts";
import type { Architecture } from "../graph/architecture/architecture.ts";
import { readArchitecture } from "../graph/architecture/config/read-architecture.ts";
import { KNOWN_MODELS } from "../graph/architecture/known/known-architecture.ts";
import { nearNames } from "../rack/catalog/near-names.ts";

/** What the reader, which sees text alone, calls the file. */
const UNNAMED = "config.json";

/** What the text of a configuration file describes. Errors: those of `readArchitecture`, with the file's path. */
export function architectureOfFile(path: string, text: string): Architecture {
  try {
    return readArchitecture(text);
  } catch (thrown) {
    if (!(thrown instanceof HeddleError) || thrown.where?.startsWith(UNNAMED) !== true) throw thrown;
    const detail = thrown.detail === undefined ? {} : { detail: thrown.detail };
    throw new HeddleError(thrown.code, { where: path + thrown.where.slice(UNNAMED.length), ...detail, cause: thrown });
  }
}

/** `model-not-found` for a name that is neither a file nor in the catalogue. */
export function unknownModel(name: string): HeddleError {
  const near = nearNames(name.slice(name.lastIndexOf("/") + 1), KNOWN_MODELS);
  return new HeddleError("model-not-found", { where: name, detail: `no file of that name; known models near it: ${near.join(", ")}` });
}

import { HeddleError } from "../base/heddle-error.ts";

/**
 * Reads a file with a reader that knows bytes and not paths: what it refuses names the file, too, before the offset, key or tensor that the reader names.
 * Errors that name it already are thrown as they are.
 */
export function namingFile<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof HeddleError) || names(thrown.where, path)) throw thrown;
    const { code, where, detail, cause } = thrown;
    throw new HeddleError(code, {
      where: where === undefined ? path : `${path}, ${where}`,
      ...(detail === undefined ? {} : { detail }),
      ...(cause === undefined ? {} : { cause }),
    });
  }
}

/** Whether an error's place is that file or one in that folder; `a.yaml` is not `a.yaml.json`, and a file called `a` is not every word with an a. */
function names(where: string | undefined, path: string): boolean {
  return where?.startsWith(path) === true && !/^[\w.-]/.test(where.slice(path.length));
}

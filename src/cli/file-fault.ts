import { HeddleError, toHeddleError } from "../base/heddle-error.ts";

/** Calls of the system that change files; the others read. */
const WRITES: ReadonlySet<string> = new Set([
  "write",
  "mkdir",
  "rename",
  "unlink",
  "rmdir",
  "copyfile",
  "ftruncate",
  "fsync",
  "link",
  "symlink",
]);
/** What keeps a file from being opened for nothing but writing. */
const NO_ROOM: ReadonlySet<string> = new Set(["ENOSPC", "EROFS", "EDQUOT"]);

/**
 * Anything thrown, as an error of the table; a failure of a file that nothing named before (a cache on a read-only disk, say) is `file-unreadable` or
 * `file-unwritable` with its path, not `internal`.
 */
export function faultOf(thrown: unknown): HeddleError {
  if (thrown instanceof HeddleError || !(thrown instanceof Error)) return toHeddleError(thrown);
  const { code, syscall, path } = thrown as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined || path === undefined || /[ :]/.test(syscall)) return toHeddleError(thrown);
  const writes = WRITES.has(syscall) || NO_ROOM.has(code);
  return new HeddleError(writes ? "file-unwritable" : "file-unreadable", { where: path, detail: thrown.message, cause: thrown });
}

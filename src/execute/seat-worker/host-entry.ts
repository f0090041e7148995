import { toHeddleError } from "../../base/heddle-error.ts";
import { startSeatHost } from "./seat-host.ts";

/** Entry of a child process that hosts seats: told over the IPC channel where to listen; it ends with its parent. */
export interface HostOrder {
  readonly listen: string;
  readonly token: string;
}

export type HostReport = { readonly type: "listening" } | { readonly type: "failed"; readonly detail: string };

process.on("message", ({ listen, token }: HostOrder) => {
  startSeatHost({ listen, token }).then(
    () => report({ type: "listening" }),
    (thrown: unknown) => report({ type: "failed", detail: toHeddleError(thrown).message }),
  );
});
// An orderly exit would stop worker threads, and a native run that is stopped so aborts the process with a core dump.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
// A terminal signals the whole group; the front end decides when its hosts end.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);

function report(message: HostReport): void {
  if (process.connected) process.send?.(message);
}

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { HeddleError } from "../../base/heddle-error.ts";
import { compiledEntry } from "../discover/compiled-entry.ts";
import { warnOfLedger } from "../ledger-files/ledger-file.ts";
import type { FromHost, HostStart, ToHost } from "../replica-host/host-protocol.ts";

/** A running replica host: one life of a replica. */
export interface HostProcess {
  readonly incarnation: number;
  readonly pid: number | undefined;
  send(message: ToHost): void;
  /** Ends it without asking. */
  kill(): void;
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>;
}

export interface HostHandlers {
  readonly onReady: () => void;
  readonly onBatch: (batch: Extract<FromHost, { type: "batch" }>) => void;
  readonly onObserved: (observed: Extract<FromHost, { type: "observed" }>) => void;
  /** The process is gone; why, as far as it said. */
  readonly onEnd: (failure: HeddleError) => void;
}

/** What is kept of a host's standard error, for the message about its loss. Units: characters. */
const STDERR_KEPT = 2_000;

/** Starts the child process of a replica and tells it what to host. */
export function startHostProcess(start: HostStart, handlers: HostHandlers): HostProcess {
  const child = fork(fileURLToPath(compiledEntry("replica-host/replica-host")), [], {
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    execArgv: [],
  });
  let stderr = "";
  let fatal: HeddleError | undefined;
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-STDERR_KEPT);
  });
  child.on("message", (message: FromHost) => {
    if (message.type === "ready") handlers.onReady();
    else if (message.type === "batch") handlers.onBatch(message);
    else if (message.type === "ledger-lost") warnOfLedger(failureOf({ ...message, code: "file-unwritable" }));
    else if (message.type === "observed") handlers.onObserved(message);
    else fatal = failureOf(message);
  });
  // A message to a process that is gone is lost like any other; its end has an event of its own.
  child.on("error", () => undefined);
  const ended = new Promise<void>((resolve) => {
    child.once("close", (code, signal) => {
      handlers.onEnd(fatal ?? new HeddleError("host-lost", { where: `replica ${start.replica}`, detail: lastWords(code, signal, stderr) }));
      resolve();
    });
  });
  send(child, { type: "start", start });
  return {
    incarnation: start.incarnation,
    pid: child.pid,
    send: (message) => send(child, message),
    kill: () => void child.kill("SIGKILL"),
    ended,
  };
}

function send(child: ChildProcess, message: ToHost): void {
  if (child.connected) child.send(message, () => undefined);
}

function failureOf({ code, where, detail }: Pick<Extract<FromHost, { type: "fatal" }>, "code" | "where" | "detail">): HeddleError {
  return new HeddleError(code, { ...(where === undefined ? {} : { where }), ...(detail === undefined ? {} : { detail }) });
}

function lastWords(code: number | null, signal: string | null, stderr: string): string {
  const how = signal === null ? `it ended with status ${code}` : `it ended by ${signal}`;
  const words = stderr.trim();
  return words === "" ? how : `${how}; its last words: ${words}`;
}

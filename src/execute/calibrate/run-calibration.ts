import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ERROR_CODES, type ErrorCode } from "../../base/error-codes.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import { compiledEntry } from "../discover/compiled-entry.ts";
import type { CalibrationJob, CalibrationMessage, CalibrationResults } from "./calibration-job.ts";

export interface CalibrationProcessOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (share: number, text: string) => void;
}

/** Last lines of a failed process's error output that are shown. */
const SHOWN_OUTPUT = 2_000;

/**
 * Runs one job in a process of its own and returns its result. An aborted signal kills the process.
 *
 * Errors: those of the job; `device-failed` where the process died; `interrupted` where the signal was aborted.
 */
export async function runCalibration<K extends CalibrationJob["kind"]>(
  job: CalibrationJob & { readonly kind: K },
  { signal, onProgress }: CalibrationProcessOptions,
): Promise<CalibrationResults[K]> {
  if (signal.aborted) throw new HeddleError("interrupted");
  const child = fork(fileURLToPath(compiledEntry("calibrate/calibration-child")), {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    execArgv: [],
    serialization: "advanced",
  });
  let output = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-SHOWN_OUTPUT);
  });
  const kill = (): void => void child.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true });
  try {
    return await new Promise<CalibrationResults[K]>((resolve, reject) => {
      child.on("message", (message: CalibrationMessage) => {
        if (message.type === "progress") onProgress?.(message.share, message.text);
        else if (message.type === "result") resolve(message.result as CalibrationResults[K]);
        else reject(new HeddleError(knownCode(message.code), { where: `${job.kind} calibration, ${job.driver}`, detail: message.detail }));
      });
      child.on("error", (cause) => reject(new HeddleError("device-failed", { where: "calibration process", cause })));
      child.on("exit", (status, killed) => {
        if (signal.aborted) reject(new HeddleError("interrupted"));
        else
          reject(
            new HeddleError("device-failed", { where: "calibration process", detail: `ended with ${killed ?? status}: ${output.trim()}` }),
          );
      });
      child.send(job);
    });
  } finally {
    signal.removeEventListener("abort", kill);
    child.kill("SIGKILL");
  }
}

function knownCode(code: string): ErrorCode {
  return code in ERROR_CODES ? (code as ErrorCode) : "internal";
}

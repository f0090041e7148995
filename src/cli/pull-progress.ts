import { Presets, SingleBar } from "cli-progress";
import type { PullProgress } from "../execute/model-store/progress.ts";
import { type PullOptions, pullModel } from "../execute/model-store/pull-model.ts";
import { note } from "./output.ts";

/** In a pipe a line is written every so often. Units: ms. */
const LINE_EVERY_MS = 2_000;
const BYTES_PER_MB = 1e6;
const VERBS: Readonly<Record<PullProgress["stage"], string>> = { download: "downloading", unpack: "unpacking", check: "checking" };

/**
 * Pulls a model with progress on stderr: a bar in a terminal, plain lines in a pipe. SIGINT stops it and keeps what came.
 *
 * Errors: those of `pullModel`.
 */
export async function pullWithProgress(name: string, options: Omit<PullOptions, "signal" | "onProgress"> = {}): Promise<string> {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  const display = process.stderr.isTTY === true ? barDisplay() : lineDisplay();
  process.once("SIGINT", stop);
  try {
    return await pullModel(name, { ...options, signal: controller.signal, onProgress: display.show });
  } finally {
    display.close();
    process.off("SIGINT", stop);
  }
}

interface Display {
  readonly show: (progress: PullProgress) => void;
  readonly close: () => void;
}

function barDisplay(): Display {
  const format = "{verb} {file} |{bar}| {percentage}% {done} of {all} MB";
  const bar = new SingleBar({ format, hideCursor: true, clearOnComplete: false }, Presets.shades_classic);
  let current = "";
  return {
    show: ({ stage, file, bytes, totalBytes }) => {
      const total = totalBytes ?? Math.max(bytes, 1);
      const facts = { verb: VERBS[stage], file, done: megabytes(bytes), all: totalBytes === undefined ? "?" : megabytes(totalBytes) };
      if (current !== stage + file) {
        if (current !== "") bar.stop();
        bar.start(total, bytes, facts);
        current = stage + file;
      }
      bar.setTotal(total);
      bar.update(bytes, facts);
    },
    close: () => {
      if (current !== "") bar.stop();
    },
  };
}

function lineDisplay(): Display {
  let current = "";
  let lastMs = 0;
  return {
    show: ({ stage, source, file, bytes, totalBytes }) => {
      const nowMs = performance.now();
      const isNew = current !== stage + file;
      if (!isNew && bytes !== totalBytes && nowMs - lastMs < LINE_EVERY_MS) return;
      if (!isNew && bytes === totalBytes && stage !== "download") return;
      current = stage + file;
      lastMs = nowMs;
      const all = totalBytes === undefined ? "" : ` of ${megabytes(totalBytes)}`;
      note(`${VERBS[stage]} ${file} from ${source}: ${megabytes(bytes)}${all} MB`);
    },
    close: () => {},
  };
}

function megabytes(bytes: number): string {
  return (bytes / BYTES_PER_MB).toFixed(1);
}

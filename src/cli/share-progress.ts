import { Presets, SingleBar } from "cli-progress";
import { note } from "./output.ts";

/** In a pipe a line is written every so often. Units: ms. */
const LINE_EVERY_MS = 3_000;
const STEPS = 1000;

/** What a long measurement is given: a signal that SIGINT aborts, and where it reports. */
export interface SharedRun {
  readonly signal: AbortSignal;
  readonly onProgress: (share: number, text: string) => void;
}

/**
 * Runs something long with its share of progress on stderr: a bar in a terminal, a line now and then in a pipe. SIGINT and SIGTERM abort the signal.
 *
 * Errors: those of `action`.
 */
export async function withShareProgress<T>(title: string, action: (run: SharedRun) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  const display = process.stderr.isTTY === true ? barDisplay(title, { hideCursor: true }) : lineDisplay(title);
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  try {
    return await action({ signal: controller.signal, onProgress: display.show });
  } finally {
    display.close();
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}

/**
 * The same for what keeps nothing when it is interrupted: no signal is caught, so one ends the program at once, in the middle of a computation too.
 *
 * Errors: those of `action`.
 */
export async function withShownProgress<T>(title: string, action: (onProgress: SharedRun["onProgress"]) => Promise<T>): Promise<T> {
  // A program that ends at once does not bring a hidden cursor back.
  const display = process.stderr.isTTY === true ? barDisplay(title, { hideCursor: false }) : lineDisplay(title);
  try {
    return await action(display.show);
  } finally {
    display.close();
  }
}

interface Display {
  readonly show: (share: number, text: string) => void;
  readonly close: () => void;
}

/** The bar appears with the first report: what is cached shows none. */
function barDisplay(title: string, { hideCursor }: { readonly hideCursor: boolean }): Display {
  const bar = new SingleBar({ format: `${title} |{bar}| {percentage}% {text}`, hideCursor, clearOnComplete: true }, Presets.shades_classic);
  let started = false;
  return {
    show: (share, text) => {
      if (!started) bar.start(STEPS, 0, { text });
      started = true;
      bar.update(Math.round(share * STEPS), { text });
    },
    close: () => {
      if (started) bar.stop();
    },
  };
}

function lineDisplay(title: string): Display {
  let lastMs = Number.NEGATIVE_INFINITY;
  return {
    show: (share, text) => {
      const nowMs = performance.now();
      if (nowMs - lastMs < LINE_EVERY_MS) return;
      lastMs = nowMs;
      note(`${title}: ${Math.round(share * 100)} %, ${text}`);
    },
    close: () => {},
  };
}

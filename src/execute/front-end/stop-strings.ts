/** Text that may go to the client, and whether a stop string ended it. */
export interface ScannedText {
  readonly text: string;
  readonly stopped: boolean;
}

/** Holds back text until it cannot be the beginning of a stop string. */
export interface StopScanner {
  push(text: string): ScannedText;
  /** What is held back at the end. */
  flush(): string;
}

/** The text before the first stop string that occurs is let through, the rest is not. Empty stop strings are ignored. */
export function stopScanner(stops: readonly string[]): StopScanner {
  const wanted = stops.filter((stop) => stop !== "");
  let held = "";
  return {
    push: (text) => {
      const whole = held + text;
      const at = firstStop(whole, wanted);
      if (at !== undefined) {
        held = "";
        return { text: whole.slice(0, at), stopped: true };
      }
      const keep = longestBeginning(whole, wanted);
      held = whole.slice(whole.length - keep);
      return { text: whole.slice(0, whole.length - keep), stopped: false };
    },
    flush: () => {
      const rest = held;
      held = "";
      return rest;
    },
  };
}

function firstStop(text: string, stops: readonly string[]): number | undefined {
  let first: number | undefined;
  for (const stop of stops) {
    const at = text.indexOf(stop);
    if (at >= 0 && (first === undefined || at < first)) first = at;
  }
  return first;
}

/** Length of the longest end of the text that begins a stop string. */
function longestBeginning(text: string, stops: readonly string[]): number {
  let longest = 0;
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
      if (text.endsWith(stop.slice(0, length))) longest = length;
    }
  }
  return longest;
}

import type { Bound } from "../inspect/classify/classify-work.ts";

/** A class as it is shown: by colour, by letter and by name. */
export interface Shade {
  readonly key: string;
  readonly letter: string;
  readonly name: string;
  readonly meaning: string;
  readonly fill: string;
  /** Readable on the fill: contrast of 4.5 or more. */
  readonly text: string;
}

const DARK = "#10151c";
const LIGHT = "#ffffff";

/**
 * Colours that most forms of colour blindness tell apart; letters and names say the same.
 * Source: Okabe and Ito, Color universal design, 2008, darkened where white text stands on them.
 */
const BOUNDS: Readonly<Record<Bound, Omit<Shade, "key">>> = {
  compute: { letter: "C", name: "compute", meaning: "operations take longest", fill: "#b84a00", text: LIGHT },
  bandwidth: { letter: "B", name: "bandwidth", meaning: "bytes take longest", fill: "#0068a3", text: LIGHT },
  latency: { letter: "L", name: "latency", meaning: "launches take longer than the work", fill: "#e6a100", text: DARK },
  idle: { letter: "-", name: "idle", meaning: "does nothing in this phase", fill: "#b9c0c8", text: DARK },
  unknown: { letter: "?", name: "unknown", meaning: "a figure of the device or a rule is missing", fill: "#6b7480", text: LIGHT },
};

const CUTS: Readonly<Record<"cheap" | "overlap" | "dear" | "unknown", Omit<Shade, "key">>> = {
  cheap: { letter: "c", name: "cheap cut", meaning: "a hand-over is lost in the time of the stage", fill: "#8cc8ea", text: DARK },
  overlap: { letter: "o", name: "cut to overlap", meaning: "a hand-over must run beside the work", fill: "#e6a100", text: DARK },
  dear: { letter: "d", name: "dear cut", meaning: "a hand-over takes longer than the stage", fill: "#8f2d6e", text: LIGHT },
  unknown: { letter: "?", name: "unknown", meaning: "no link, no estimate, or nothing crosses here", fill: "#6b7480", text: LIGHT },
};

const PLAIN: Shade = { key: "plain", letter: "", name: "no rack", meaning: "classes need a rack", fill: "#4d7ea8", text: LIGHT };

/** Fills of devices, with the text that is readable on them; beyond these they repeat, and numbers tell devices apart. */
const DEVICES: readonly (readonly [fill: string, text: string])[] = [
  ["#0068a3", LIGHT],
  ["#e6a100", DARK],
  ["#00785a", LIGHT],
  ["#8f2d6e", LIGHT],
  ["#8cc8ea", DARK],
  ["#b84a00", LIGHT],
  ["#f0e442", DARK],
  ["#4b4b9b", LIGHT],
];
const SEVERAL: Shade = { key: "several", letter: "+", name: "several", meaning: "a part that is cut", fill: "#b9c0c8", text: DARK };

/** What a graph is coloured by. */
export type Colouring = "bound" | "cut" | "device";

/** Shades in the order of legends; the place in the list is the class number the graph is painted by. `devices` are those of a placement. */
export function shadesOf(colour: Colouring, hasRack: boolean, devices: readonly string[] = []): readonly Shade[] {
  if (colour === "device") {
    const shades = devices.map((name, index): Shade => {
      const [fill, text] = DEVICES[index % DEVICES.length]!;
      return { key: name, letter: String(index + 1), name, meaning: "runs here", fill, text };
    });
    return [...shades, SEVERAL];
  }
  if (!hasRack) return [PLAIN];
  return Object.entries(colour === "bound" ? BOUNDS : CUTS).map(([key, shade]) => ({ key, ...shade }));
}

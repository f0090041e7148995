import { type Bindings, evaluate } from "../graph/ir/expression.ts";
import type { Work } from "./work.ts";

/** Work at given sizes. */
export interface Figures {
  readonly flops: number;
  readonly weightBytes: number;
  readonly stateBytes: number;
  readonly activationBytes: number;
  readonly bytes: number;
  /** Operations per byte; undefined where nothing is moved. */
  readonly intensity: number | undefined;
}

/** `times` equal parts. */
export function figuresOf(work: Work, sizes: Bindings, times = 1): Figures {
  const at = (field: keyof Work): number => evaluate(work[field], sizes) * times;
  return withSums({
    flops: at("flops"),
    weightBytes: at("weightBytes"),
    stateBytes: at("stateBytes"),
    activationBytes: at("activationBytes"),
  });
}

/** The sum of parts, field by field. Units: FLOPs, bytes. */
export function addFigures(parts: readonly Figures[]): Figures {
  const sum = (field: "flops" | "weightBytes" | "stateBytes" | "activationBytes"): number =>
    parts.reduce((total, part) => total + part[field], 0);
  return withSums({
    flops: sum("flops"),
    weightBytes: sum("weightBytes"),
    stateBytes: sum("stateBytes"),
    activationBytes: sum("activationBytes"),
  });
}

function withSums(figures: Omit<Figures, "bytes" | "intensity">): Figures {
  const bytes = figures.weightBytes + figures.stateBytes + figures.activationBytes;
  return { ...figures, bytes, intensity: bytes > 0 ? figures.flops / bytes : undefined };
}

import type { FigureBasis, PeakType } from "../../rack/rack.ts";

/** A figure of a device with what it rests on. */
export interface Grounded {
  readonly basis: FigureBasis;
  readonly source: string;
}

export interface PeakFigure extends Grounded {
  readonly type: PeakType;
  readonly operationsPerSecond: number;
}

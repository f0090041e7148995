/** A report as a page shows it: texts, tables and line charts. Nothing here knows of simulations; who fills it does. */
export interface ReportData {
  readonly title: string;
  /** Short facts under the title. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** What a reader must know before any figure. */
  readonly warnings: readonly string[];
  readonly sections: readonly ReportSection[];
  /** What the figures rest on, at the end. */
  readonly notes: readonly string[];
}

export interface ReportSection {
  readonly title: string;
  /** One sentence on what is seen. */
  readonly text: string;
  readonly table?: ReportTable;
  readonly chart?: ReportChart;
}

export interface ReportTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface ReportChart {
  readonly x: ReportAxis;
  readonly y: ReportAxis;
  readonly lines: readonly ReportLine[];
  /** Vertical lines, such as limits. */
  readonly marks: readonly { readonly at: number; readonly name: string }[];
}

export interface ReportAxis {
  readonly name: string;
  /** How values are written: durations of ns, shares 0 to 1, plain numbers. */
  readonly unit: "ns" | "share" | "count";
  readonly log: boolean;
}

/** Points in rising x; `low` and `high` are the bounds of an interval at the same x, where there is one. */
export interface ReportLine {
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly low?: readonly number[];
  readonly high?: readonly number[];
}

import type { OperatorQuery } from "./operator-query.ts";

/** One measured time of one operator. */
export interface MeasuredOperator {
  readonly query: OperatorQuery;
  readonly ns: number;
  /** Where it stands in its file, counted from 1. */
  readonly row: number;
  /** Implementation that was measured where a file has several for one query, such as `vllm_graph`. */
  readonly variant?: string;
}

/** Operators of one file: one device, one engine. */
export interface MeasuredTable {
  /** Named in reports and errors. */
  readonly file: string;
  /** The device as the file writes it; empty where it does not. */
  readonly device: string;
  /** Engine or library with its version, such as `vLLM 0.19.0`. */
  readonly engine: string;
  readonly rows: readonly MeasuredOperator[];
  /** Rows that were not read, by reason in words. */
  readonly skipped: Readonly<Record<string, number>>;
}

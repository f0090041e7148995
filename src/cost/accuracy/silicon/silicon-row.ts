/** Engine that served. */
export type SiliconEngine = "trtllm" | "sglang" | "vllm";

/** How one side of a deployment was cut, as the row says. */
export interface SiliconSide {
  /** Sequences in flight of an attention-data-parallel rank. */
  readonly batch: number;
  readonly workers: number;
  readonly tensor: number;
  readonly pipeline: number;
  readonly data: number;
  readonly expertTensor: number;
  readonly expert: number;
}

/** One measured point of the public sample of served models: as the file has it, numbers parsed. */
export interface SiliconRow {
  readonly id: string;
  /** Dump the row is from, as far as its source note names it. */
  readonly source: string;
  readonly engine: SiliconEngine;
  readonly version: string;
  /** Day of the measurement as the source note has it (`2026-02-05`); the source itself where it does not. */
  readonly measured: string;
  readonly label: string;
  /** Name of the label's architecture in the catalogue of models. */
  readonly model: string;
  /** Id in the catalogue of devices. */
  readonly device: string;
  readonly system: string;
  /** Formats of products and of experts, as the file writes them; empty where it does not say. */
  readonly products: string;
  readonly experts: string;
  readonly mode: "agg" | "disagg";
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Clients of the closed loop, where the source note says. */
  readonly clients: number | undefined;
  /** Aggregated rows: the whole. */
  readonly whole?: SiliconSide;
  /** Disaggregated rows: each side, where the row has its batch size and cut. */
  readonly prefill?: SiliconSide;
  readonly decode?: SiliconSide;
  /** Measured means. Units: ms. */
  readonly ttftMs: number;
  readonly tpotMs: number;
}

/** Group that is held out as a whole. */
export function siliconGroup(row: SiliconRow): string {
  return `${row.model} ${row.system} ${row.engine}`;
}

/** One exchange of a mixture's tokens between the ranks that hold different experts: `dispatch` to the experts, or `combine` back. */
export interface DispatchQuery {
  /** `normal`: one copy a rank and node (prefill); `low-latency`: one copy an expert, no kernel waits (decode). */
  readonly mode: "normal" | "low-latency";
  readonly direction: "dispatch" | "combine";
  /** Of each rank. */
  readonly tokens: number;
  readonly width: number;
  /** Experts a token goes to, and experts in all. */
  readonly active: number;
  readonly experts: number;
  readonly ranks: number;
  readonly ranksPerNode: number;
  /** Bits of a value: dispatch 8 where absent, combine 16. */
  readonly bits?: 8 | 16;
  /** Cores (SMs) the kernels of normal mode may use; absent: as many as they make use of. */
  readonly cores?: number;
}

/** An operation that all members of a gang take part in, with buffers of one type; sizes as MPI has them. */
export type Collective =
  | { readonly op: "all-reduce"; readonly reduce: "sum" | "max" }
  /** Results stand one after the other along the first axis, in the order of ranks. */
  | { readonly op: "all-gather" }
  /** The first axis is cut evenly by rank; it must divide. */
  | { readonly op: "reduce-scatter"; readonly reduce: "sum" | "max" }
  | { readonly op: "broadcast"; readonly root: number }
  /** The first axis is cut evenly; piece i goes to rank i. */
  | { readonly op: "all-to-all" };

/** A gang member's view of its gang. */
export interface CollectiveGroup {
  readonly rank: number;
  readonly size: number;
  /** Bytes to another member, in order. The buffer may be taken over. */
  send(target: number, bytes: Uint8Array): void;
  /** The next bytes from a member. Errors: `host-lost` when it is gone. */
  receive(source: number): Promise<Uint8Array>;
}

/** Two products with an activation between; `gated` has a third that scales it. */
export interface DenseFeedForward {
  readonly kind: "feed-forward";
  readonly gated: boolean;
  readonly inner: number;
  readonly bias: boolean;
}

/** Many small feed-forwards of which a router chooses some a token, and some that every token visits. */
export interface MixtureFeedForward {
  readonly kind: "mixture";
  readonly experts: number;
  /** Experts a token visits. */
  readonly active: number;
  /** Groups of neighbouring experts of which the router first chooses some for a token (DeepSeek V2 and V3); absent: any experts. */
  readonly gate?: { readonly groups: number; readonly chosen: number };
  readonly inner: number;
  readonly bias: boolean;
  /** Parameters of the router besides its product: offsets used in choosing, learned or adjusted. */
  readonly routerBias: boolean;
  readonly shared: SharedExpert | undefined;
}

export interface SharedExpert {
  /** Of all shared experts together. */
  readonly inner: number;
  /** A product of one column that scales their output (Qwen2-MoE). */
  readonly gate: boolean;
}

/** DeepEP's published figures. Units: GB/s, us. Shape of `deepep.json`. */
export interface PublishedDeepep {
  readonly v1_normal: {
    readonly rows: readonly { readonly ep: number; readonly kind: string; readonly dispatch_GBs: number; readonly combine_GBs: number }[];
  };
  readonly v1_low_latency: {
    readonly rows: readonly { readonly ep: number; readonly dispatch_us: number; readonly combine_us: number }[];
  };
  readonly v2: {
    readonly rows: readonly {
      readonly arch: string;
      readonly topo: string;
      readonly dispatch_GBs: number;
      readonly combine_GBs: number;
      readonly sms: number;
    }[];
  };
}

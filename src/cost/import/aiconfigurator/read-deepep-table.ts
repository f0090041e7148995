import { timesNs, wholeColumn } from "../measurement-columns.ts";
import { readParquetColumns } from "../parquet/read-parquet-columns.ts";

/** One measured dispatch and combine of DeepEP over the 8-device nodes of an expert group. Units: ns. */
export interface DispatchTime {
  readonly mode: "normal" | "low-latency";
  readonly nodes: number;
  readonly width: number;
  /** Of each rank. */
  readonly tokens: number;
  readonly active: number;
  readonly experts: number;
  /** Streaming multiprocessors given to the kernels; absent in low-latency mode, which takes none for long. */
  readonly cores?: { readonly dispatch: number; readonly combine: number };
  readonly dispatchNs: number;
  readonly combineNs: number;
  /** Exchange of counts before the data (normal mode); 0 where it was not measured apart. */
  readonly dispatchNotifyNs: number;
  readonly combineNotifyNs: number;
  readonly row: number;
}

const NS_PER_US = 1000;
const SIZES = ["node_num", "num_token", "hidden_size", "num_topk", "num_experts"] as const;

/** `wideep_deepep_ll_perf.parquet`. Errors: `measurements-invalid`. */
export async function readLowLatencyDispatch(bytes: Uint8Array, file: string): Promise<DispatchTime[]> {
  const numbers = [...SIZES, "dispatch_avg_t_us", "combine_avg_t_us"] as const;
  const columns = await readParquetColumns(bytes, { file, numbers });
  const [nodes, tokens, width, active, experts] = SIZES.map((name) => wholeColumn(columns, name, 1));
  const combine = timesNs(columns, "combine_avg_t_us", NS_PER_US);
  return Array.from(timesNs(columns, "dispatch_avg_t_us", NS_PER_US), (dispatchNs, i) => ({
    mode: "low-latency",
    nodes: nodes![i]!,
    width: width![i]!,
    tokens: tokens![i]!,
    active: active![i]!,
    experts: experts![i]!,
    dispatchNs,
    combineNs: combine[i]!,
    dispatchNotifyNs: 0,
    combineNotifyNs: 0,
    row: i + 1,
  }));
}

/** `wideep_deepep_normal_perf.parquet`. Errors: `measurements-invalid`. */
export async function readNormalDispatch(bytes: Uint8Array, file: string): Promise<DispatchTime[]> {
  const times = ["dispatch_transmit_us", "combine_transmit_us", "dispatch_notify_us", "combine_notify_us"] as const;
  const columns = await readParquetColumns(bytes, { file, numbers: [...SIZES, "dispatch_sms", "combine_sms", ...times] });
  const [nodes, tokens, width, active, experts] = SIZES.map((name) => wholeColumn(columns, name, 1));
  const dispatchCores = wholeColumn(columns, "dispatch_sms", 1);
  const combineCores = wholeColumn(columns, "combine_sms", 1);
  const combine = timesNs(columns, "combine_transmit_us", NS_PER_US);
  return Array.from(timesNs(columns, "dispatch_transmit_us", NS_PER_US), (dispatchNs, i) => ({
    mode: "normal",
    nodes: nodes![i]!,
    width: width![i]!,
    tokens: tokens![i]!,
    active: active![i]!,
    experts: experts![i]!,
    cores: { dispatch: dispatchCores[i]!, combine: combineCores[i]! },
    dispatchNs,
    combineNs: combine[i]!,
    dispatchNotifyNs: Math.max(0, columns.numbers.dispatch_notify_us[i]!) * NS_PER_US,
    combineNotifyNs: Math.max(0, columns.numbers.combine_notify_us[i]!) * NS_PER_US,
    row: i + 1,
  }));
}

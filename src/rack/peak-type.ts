import type { DataType } from "../graph/ir/graph.ts";

/** Element types a peak may be given for. */
export type PeakType = Extract<DataType, "f64" | "f32" | "f16" | "bf16" | "f8e4m3" | "f8e5m2" | "f4e2m1" | "i8" | "i4">;

/** How the weights of a matrix product are held and multiplied on a device. */
export type ComputeFormat = "f32" | "bf16" | "int4" | "int8-row";

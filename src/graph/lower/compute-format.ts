/** How the weights of a matrix product are held and multiplied on a device. `bf16`: products, attention and what is between them in bf16. */
export type ComputeFormat = "f32" | "bf16" | "int4" | "int8-row";

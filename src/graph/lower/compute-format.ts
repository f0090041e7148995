/**
 * How the weights of a matrix product in a lowered graph are held and multiplied on a device. `bf16`: products, attention and what is between them in
 * bf16.
 */
export type GraphFormat = "f32" | "bf16" | "int4" | "int8-row";

/**
 * Also `block-int8`, in which heddle's own kernels, or OpenVINO's over paged attention, compute decode steps and the head; the former also prompts, where a
 * plan asks for it. Weights in blocks of 32, of 4 bits where the file holds them so (never in OpenVINO's), else of 8 with a scale a block; activations of
 * 8 bits, a scale a block. heddle's keep working keys in 8 bits, a scale a token and head, and values in bf16.
 */
export type ComputeFormat = GraphFormat | "block-int8";

// Goal: every group of shape rules gives the sizes the operator specs state. Method: hand-made cases, one table a group, sizes as text.
import { describe, expect, it } from "vitest";
import { applied, type RuleCase } from "../../../test/support/apply-rule.ts";

type More = Omit<RuleCase, "type" | "inputs">;
type Row = readonly [string, readonly string[], readonly string[], More?];
const MS = "com.microsoft";

const GROUPS: Readonly<Record<string, readonly Row[]>> = {
  elementwise: [
    ["Add", ["f32[batch,1,8]", "f32[tokens,1]"], ["f32[batch,tokens,8]"]],
    ["Mul", ["f32[a]", "f32[b]"], ["f32[max(a, b)]"]],
    ["Add", ["i64=[n]", "i64=[1]"], ["i64[1]=[n + 1]"]],
    ["Div", ["i64=7", "i64=2"], ["i64[]=[3]"]],
    ["Div", ["i64=n", "i64=2"], ["i64[]=[floor-div(n, 2)]"]],
    ["Equal", ["i64=[n,-1]", "i64=[-1]"], ["bool[2]=[0,1]"]],
    ["Where", ["bool=[0,1]", "i64=[5,6]", "i64=[7,8]"], ["i64[2]=[7,6]"]],
    ["Cast", ["f32=[1.5]"], ["i64[1]=[1]"], { attributes: { to: 7 } }],
    ["Softmax", ["f16[2,n]"], ["f16[2,n]"]],
    ["Less", ["f32[n]", "f32[]"], ["bool[n]"]],
  ],
  "matrix products": [
    ["MatMul", ["f32[batch,1,tokens,64]", "f32[8,64,past]"], ["f32[batch,8,tokens,past]"]],
    ["MatMul", ["f32[8]", "f32[8,n]"], ["f32[n]"]],
    ["Gemm", ["f32[8,n]", "f32[4,8]"], ["f32[n,4]"], { attributes: { transA: 1, transB: 1 } }],
    ["MatMulInteger", ["u8[n,8]", "i8[8,4]"], ["i32[n,4]"]],
    ["QLinearMatMul", ["u8[n,8]", "f32[]", "u8[]", "i8[8,4]", "f32[]", "i8[]", "f32[]", "i8[]"], ["i8[n,4]"]],
    ["MatMulNBits", ["f32[b,n,64]", "u8[32,2,16]", "f32[64]"], ["f32[b,n,32]"], { domain: MS, attributes: { K: 64, N: 32 } }],
    ["FusedMatMul", ["f32[b,n,8]", "f32[b,m,8]"], ["f32[b,n,m]"], { domain: MS, attributes: { transB: 1 } }],
    ["MatMulIntegerToFloat", ["u8[n,8]", "i8[8,4]", "f32[]", "f32[4]"], ["f32[n,4]"], { domain: MS }],
    ["Einsum", ["f32[b,h,n,d]", "f32[b,h,m,d]"], ["f32[b,h,n,m]"], { attributes: { equation: "bhnd,bhmd->bhnm" } }],
    ["Einsum", ["f32[x,4,5]", "f32[x,5,6]"], ["f32[x,4,6]"], { attributes: { equation: "...ij,...jk" } }],
  ],
  images: [
    [
      "Conv",
      ["f32[b,3,224,w]", "f32[16,3,3,3]"],
      ["f32[b,16,112,floor-div(w + -1, 2) + 1]"],
      { attributes: { strides: [2, 2], pads: [1, 1, 1, 1] } },
    ],
    ["Conv", ["f32[1,3,9,9]", "f32[16,3,3,3]"], ["f32[1,16,5,5]"], { attributes: { strides: [2, 2], auto_pad: "SAME_UPPER" } }],
    ["ConvInteger", ["u8[1,3,8]", "i8[4,3,3]"], ["i32[1,4,6]"]],
    ["ConvTranspose", ["f32[1,8,5,w]", "f32[8,4,2,2]"], ["f32[1,4,10,2·w]"], { attributes: { strides: [2, 2] } }],
    [
      "MaxPool",
      ["f32[1,3,5,5]"],
      ["f32[1,3,3,3]", "i64[1,3,3,3]"],
      { outputs: 2, attributes: { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 } },
    ],
    ["GlobalAveragePool", ["f32[b,8,h,w]"], ["f32[b,8,1,1]"]],
    ["Resize", ["f32[b,8,h,7]", "", "f32=[1,1,2,1.5]"], ["f32[b,8,2·h,10]"]],
    ["Resize", ["f32[b,8,h,7]", "", "", "i64=[b,8,h,9]"], ["f32[b,8,h,9]"]],
    ["DepthToSpace", ["f32[1,8,h,w]"], ["f32[1,2,2·h,2·w]"], { attributes: { blocksize: 2 } }],
    ["GridSample", ["f32[b,3,8,8]", "f32[b,h,w,2]"], ["f32[b,3,h,w]"]],
  ],
  normalisation: [
    ["LayerNormalization", ["f32[b,n,8]", "f32[8]"], ["f32[b,n,8]", "f32[b,n,1]"], { outputs: 2 }],
    ["BatchNormalization", ["f32[b,8,h]", "f32[8]", "f32[8]", "f32[8]", "f32[8]"], ["f32[b,8,h]"]],
    [
      "SkipLayerNormalization",
      ["f32[b,n,8]", "f32[b,n,8]", "f32[8]"],
      ["f32[b,n,8]", "f32[b,n,1]", "f32[b,n,1]", "f32[b,n,8]"],
      { domain: MS, outputs: 4 },
    ],
    ["EmbedLayerNormalization", ["i32[b,n]", "i32[b,n]", "f32[99,8]"], ["f32[b,n,8]", "i32[b]"], { domain: MS, outputs: 2 }],
  ],
  reshaping: [
    ["Reshape", ["f32[batch,tokens,768]", "i64=[0,-1,12,64]"], ["f32[batch,tokens,12,64]"]],
    ["Reshape", ["f32[past+tokens,b]", "i64=[b,-1]"], ["f32[b,past + tokens]"]],
    ["Reshape", ["f32[b,6]", "i64=[-1]"], ["f32[6·b]"]],
    ["Reshape", ["f32[n]", "i64=[-1,4]"], ["f32[floor-div(n, 4),4]"]],
    ["Flatten", ["f32[b,2,n]"], ["f32[b,2·n]"]],
    ["Squeeze", ["f32[b,1,1]", "i64=[-1]"], ["f32[b,1]"]],
    ["Unsqueeze", ["f32[b,n]", "i64=[0,-1]"], ["f32[1,b,n,1]"]],
    ["Transpose", ["f32[a,b,c]"], ["f32[b,a,c]"], { attributes: { perm: [1, 0, 2] } }],
    ["Expand", ["f32[1,1,n]", "i64=[b,m,1]"], ["f32[b,m,n]"]],
  ],
  "cutting and joining": [
    ["Slice", ["f32[b,n]", "i64=[1]", "i64=[9223372036854775807]", "i64=[1]"], ["f32[b,n + -1]"]],
    ["Slice", ["f32[b,9]", "i64=[-3]", "i64=[100]", "i64=[1]"], ["f32[b,3]"]],
    ["Slice", ["f32[2048,8]", "i64=[0]", "i64=[tokens]", "i64=[0]"], ["f32[min(tokens, 2048),8]"]],
    ["Slice", ["i64=[1,2,3,4]", "i64=[-1]", "i64=[-9999]", "i64=[0]", "i64=[-1]"], ["i64[4]=[4,3,2,1]"]],
    ["Slice", ["f32[b,10]"], ["f32[b,4]"], { opset: 9, attributes: { starts: [2], ends: [-4], axes: [1] } }],
    ["Split", ["f32[b,7]"], ["f32[b,4]", "f32[b,3]"], { outputs: 2, attributes: { axis: 1 } }],
    ["Split", ["f32[b,7]", "i64=[2,5]"], ["f32[b,2]", "f32[b,5]"], { outputs: 2, attributes: { axis: -1 } }],
    ["Concat", ["f32[b,8,past,4]", "f32[b,8,n,4]"], ["f32[b,8,n + past,4]"], { attributes: { axis: 2 } }],
    ["Concat", ["i64=[b]", "i64=[-1]"], ["i64[2]=[b,-1]"], { attributes: { axis: 0 } }],
    ["Tile", ["f32[b,2]", "i64=[3,n]"], ["f32[3·b,2·n]"]],
    ["Pad", ["f32[b,n]", "i64=[0,1,0,2]"], ["f32[b,n + 3]"]],
  ],
  gathering: [
    ["Gather", ["f32[99,8]", "i64[b,n]"], ["f32[b,n,8]"]],
    ["Gather", ["i64=[b,n,8]", "i64=1"], ["i64[]=[n]"]],
    ["GatherBlockQuantized", ["u8[99,32]", "i64[b,n]", "f16[99,2]"], ["f16[b,n,64]"], { domain: MS, attributes: { bits: 4 } }],
    ["GatherBlockQuantized", ["i4[99,64]", "i64[n]", "f32[99,2]"], ["f32[n,64]"], { domain: MS }],
    ["GatherElements", ["f32[b,9]", "i64[b,2]"], ["f32[b,2]"]],
    ["GatherND", ["f32[b,4,5,6]", "i64[n,2]"], ["f32[n,5,6]"]],
    ["ScatterND", ["f32[b,4]", "i64[n,1]", "f32[n,4]"], ["f32[b,4]"]],
    ["OneHot", ["i64[b]", "i64=9", "f32=[0,1]"], ["f32[b,9]"]],
    ["TopK", ["f32[b,99]", "i64=[5]"], ["f32[b,5]", "i64[b,5]"], { outputs: 2 }],
    ["NonZero", ["f32[b,n]"], ["i64[2,#0]"]],
    ["NonMaxSuppression", ["f32[1,9,4]", "f32[1,3,9]"], ["i64[#0,3]"]],
  ],
  "sizes and reductions": [
    ["Shape", ["f32[b,n,8]"], ["i64[3]=[b,n,8]"]],
    ["Shape", ["f32[b,n,8]"], ["i64[1]=[8]"], { attributes: { start: -1 } }],
    ["Size", ["f32[b,8]"], ["i64[]=[8·b]"]],
    ["Range", ["i64=0", "i64=n", "i64=1"], ["i64[n]"]],
    ["Range", ["i64=past", "i64=past+n", "i64=1"], ["i64[n]"]],
    ["ConstantOfShape", ["i64=[b,3]"], ["f32[b,3]"]],
    ["ReduceMean", ["f32[b,n,8]"], ["f32[b,n,1]"], { attributes: { axes: [-1] } }],
    ["ReduceSum", ["f32[b,n,8]", "i64=[1]"], ["f32[b,8]"], { attributes: { keepdims: 0 } }],
    ["ReduceProd", ["i64=[b,8]"], ["i64[]=[8·b]"], { attributes: { keepdims: 0 } }],
    ["ArgMax", ["f32[b,n]"], ["i64[b]"], { attributes: { axis: 1, keepdims: 0 } }],
  ],
  recurrent: [
    [
      "LSTM",
      ["f32[n,b,8]", "f32[2,64,8]", "f32[2,64,16]"],
      ["f32[n,2,b,16]", "f32[2,b,16]", "f32[2,b,16]"],
      { outputs: 3, attributes: { hidden_size: 16, direction: "bidirectional" } },
    ],
    ["GRU", ["f32[b,n,8]", "f32[1,48,8]", "f32[1,48,16]"], ["f32[b,n,1,16]", "f32[b,1,16]"], { outputs: 2, attributes: { layout: 1 } }],
  ],
  quantised: [
    ["QuantizeLinear", ["f32[b,n]", "f32[]", "i8[]"], ["i8[b,n]"]],
    ["DequantizeLinear", ["i8[b,n]", "f16[]"], ["f16[b,n]"]],
    ["DynamicQuantizeLinear", ["f32[b,n]"], ["u8[b,n]", "f32[]", "u8[]"], { outputs: 3 }],
    ["QLinearAdd", ["u8[b,1]", "f32[]", "u8[]", "u8[n]"], ["u8[b,n]"], { domain: MS }],
  ],
  attention: [
    [
      "GroupQueryAttention",
      ["f32[b,n,64]", "f32[b,n,16]", "f32[b,n,16]", "f32[b,2,past,8]", "f32[b,2,past,8]", "i32[b]", "i32=past+n"],
      ["f32[b,n,64]", "f32[b,2,n + past,8]", "f32[b,2,n + past,8]"],
      { domain: MS, outputs: 3, attributes: { num_heads: 8, kv_num_heads: 2 } },
    ],
    [
      "DecoderMaskedMultiHeadAttention",
      ["f32[b,1,64]", "f32[b,1,64]", "f32[b,1,48]", "", "", "f32[b,8,past,8]", "f32[b,8,past,6]"],
      ["f32[b,1,48]", "f32[b,8,past + 1,8]", "f32[b,8,past + 1,6]"],
      { domain: MS, outputs: 3, attributes: { num_heads: 8 } },
    ],
    ["QMoE", ["f16[b,n,64]", "f16[n,4]", "u8[4,96,32]"], ["f16[b,n,64]"], { domain: MS }],
    ["MultiHeadAttention", ["f32[b,n,64]", "f32[b,m,64]", "f32[b,m,32]"], ["f32[b,n,32]"], { domain: MS, attributes: { num_heads: 8 } }],
    [
      "Attention",
      ["f32[b,n,64]", "f32[64,192]", "f32[192]", "", "f32[2,b,8,past,8]"],
      ["f32[b,n,64]", "f32[2,b,8,n + past,8]"],
      { domain: MS, outputs: 2, attributes: { num_heads: 8 } },
    ],
    [
      "QAttention",
      ["u8[b,n,64]", "i8[64,192]", "f32[192]", "f32[]", "f32[]"],
      ["f32[b,n,64]"],
      { domain: MS, attributes: { num_heads: 8 } },
    ],
    ["Attention", ["f32[b,8,n,4]", "f32[b,2,m,4]", "f32[b,2,m,6]"], ["f32[b,8,n,6]"], { opset: 23 }],
    ["RotaryEmbedding", ["f32[b,8,n,4]", "i64[b,n]"], ["f32[b,8,n,4]"], { domain: MS }],
    ["BiasGelu", ["f32[b,n,4]", "f32[4]"], ["f32[b,n,4]"], { domain: MS }],
  ],
  signal: [["STFT", ["f32[b,1600,1]", "i64=160", "f32[400]"], ["f32[b,8,201,2]"]]],
};

for (const [group, rows] of Object.entries(GROUPS)) {
  describe(group, () => {
    for (const [type, inputs, expected, more = {}] of rows) {
      it(`${type} of ${inputs.join(" ")}`, () => {
        expect(applied({ type, inputs, ...more })).toEqual(expected);
      });
    }
  });
}

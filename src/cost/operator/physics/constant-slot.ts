import type { ComputeQuery } from "./operator-time.ts";
import type {
  DecodeAttentionConstants,
  ExpertConstants,
  LatentAttentionConstants,
  PhysicsConstants,
  PrefillAttentionConstants,
  ProductClass,
  ProductConstants,
  SparseAttentionConstants,
  StreamConstants,
} from "./physics-constants.ts";
import { productClass } from "./product-class.ts";

/** The part of a family's constants that an operator uses. */
export type ConstantSlot =
  | `product ${ProductClass}`
  | `experts ${ProductClass}`
  | "prefill-attention"
  | "decode-attention"
  | "latent-attention"
  | "sparse-attention"
  | "stream";

export type SlotConstants =
  | ProductConstants
  | ExpertConstants
  | PrefillAttentionConstants
  | DecodeAttentionConstants
  | LatentAttentionConstants
  | SparseAttentionConstants
  | StreamConstants;

/** Names in two parts, so that pricing builds no strings. */
const PRODUCT_SLOTS: Readonly<Record<ProductClass, ConstantSlot>> = {
  wide: "product wide",
  half: "product half",
  eight: "product eight",
  eightBlock: "product eightBlock",
  four: "product four",
  packed: "product packed",
};
const EXPERT_SLOTS: Readonly<Record<ProductClass, ConstantSlot>> = {
  wide: "experts wide",
  half: "experts half",
  eight: "experts eight",
  eightBlock: "experts eightBlock",
  four: "experts four",
  packed: "experts packed",
};

export function slotOf(query: ComputeQuery): ConstantSlot {
  switch (query.op) {
    case "product":
      return PRODUCT_SLOTS[productClass(query)];
    case "experts":
      return EXPERT_SLOTS[productClass(query)];
    default:
      return query.op;
  }
}

export function constantsIn(constants: PhysicsConstants, slot: ConstantSlot): SlotConstants {
  switch (slot) {
    case "prefill-attention":
      return constants.prefillAttention;
    case "decode-attention":
      return constants.decodeAttention;
    case "latent-attention":
      return constants.latentAttention;
    case "sparse-attention":
      return constants.sparseAttention;
    case "stream":
      return constants.stream;
    default: {
      const [op, kind] = slot.split(" ") as ["product" | "experts", ProductClass];
      return constants[op][kind];
    }
  }
}

/** The same constants with one part replaced. */
export function withConstants(constants: PhysicsConstants, slot: ConstantSlot, part: SlotConstants): PhysicsConstants {
  switch (slot) {
    case "prefill-attention":
      return { ...constants, prefillAttention: part as PrefillAttentionConstants };
    case "decode-attention":
      return { ...constants, decodeAttention: part as DecodeAttentionConstants };
    case "latent-attention":
      return { ...constants, latentAttention: part as LatentAttentionConstants };
    case "sparse-attention":
      return { ...constants, sparseAttention: part as SparseAttentionConstants };
    case "stream":
      return { ...constants, stream: part as StreamConstants };
    default: {
      const [op, kind] = slot.split(" ") as ["product" | "experts", ProductClass];
      return { ...constants, [op]: { ...constants[op], [kind]: part } };
    }
  }
}

import type { Pool } from "../../deployment/deployment.ts";
import { givenHolds, HOLD_SETTINGS } from "../../deployment/held-prompts.ts";
import type { Inexpressible } from "../emit-types.ts";
import { inexpressible } from "./engine-arguments.ts";

/** Settings that hold prompts back and that the engine written for has no word for. */
export function holdsMissing(pool: Pool, engine: "vllm" | "sglang" | "trtllm"): Inexpressible[] {
  return givenHolds(pool)
    .filter((name) => HOLD_SETTINGS[name] !== engine)
    .map((name) => inexpressible(pool.name, `engine.${name}`, `a setting of ${HOLD_SETTINGS[name]} that ${engine} has not`));
}

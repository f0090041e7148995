import type { Deployment } from "../../deployment/deployment.ts";
import type { Inexpressible } from "../emit-types.ts";
import { inexpressible } from "./engine-arguments.ts";

/** Addresses of replicas by what they do. */
export interface EncoderProxyServers {
  readonly encode: readonly string[];
  readonly prefill: readonly string[];
  /** Those that decode, or do both. */
  readonly decode: readonly string[];
}

export const ENCODER_PROXY_NOTE =
  "disagg_epd_proxy.py is not held against a list: it comes with vLLM's examples (examples/disaggregated/disaggregated_encoder), and in no package";

/**
 * The proxy that sends images to encoders of vLLM and prompts after them. It takes encoders in turn, and any replica behind them at random.
 *
 * Source: disagg_epd_proxy.py of vllm-project/vllm, examples/disaggregated/disaggregated_encoder (docs of vLLM 0.32.0); no package has it. vllm-router's
 * `--epd-config` is in its native binary alone, not in vllm-router 0.1.17.
 */
export function encoderProxy(
  { routing }: Deployment,
  { servers, port }: { readonly servers: EncoderProxyServers; readonly port: string },
): { readonly program: readonly string[]; readonly args: readonly string[]; readonly missing: readonly Inexpressible[] } {
  const prefills = servers.prefill.length === 0 ? ["disable"] : servers.prefill;
  const alone = prefills.length === 1 && servers.decode.length === 1;
  return {
    program: ["python3", "disagg_epd_proxy.py"],
    args: [
      ...["--host", "0.0.0.0", "--port", port],
      ...["--encode-servers-urls", servers.encode.join(",")],
      ...["--prefill-servers-urls", prefills.join(","), "--decode-servers-urls", servers.decode.join(",")],
    ],
    missing:
      alone || routing === "random"
        ? []
        : [inexpressible("deployment", "routing", `vllm's proxy before encoders takes replicas at random, not "${routing}"`)],
  };
}

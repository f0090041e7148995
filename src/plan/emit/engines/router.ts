import type { Deployment, RoutingName } from "../../deployment/deployment.ts";
import type { Inexpressible } from "../emit-types.ts";
import { inexpressible } from "./engine-arguments.ts";

/** Engines with a router of their own. */
export type RoutedEngine = "vllm" | "sglang";

/** Where a router finds its workers: addresses, or labels of pods. */
export type RouterWorkers =
  | { readonly by: "address"; readonly both: readonly string[]; readonly prefill: readonly string[]; readonly decode: readonly string[] }
  | { readonly by: "label"; readonly both?: Labels; readonly prefill?: Labels; readonly decode?: Labels; readonly port: string };

/** `name=value` each. */
export type Labels = readonly string[];

/**
 * Policies of vllm-router and sglang-router. With both thresholds at their least `cache_aware` takes the least loaded worker, and looks at prefixes
 * where loads are equal only. Source: router_args.py of vllm-router 0.1.17 and sglang-router 0.3.2.
 */
const POLICIES: Readonly<Partial<Record<RoutingName, readonly string[]>>> = {
  "round-robin": ["--policy", "round_robin"],
  random: ["--policy", "random"],
  "prefix-aware": ["--policy", "cache_aware"],
  "least-loaded": ["--policy", "cache_aware", "--balance-abs-threshold", "0", "--balance-rel-threshold", "1.0"],
};

/** Whether requests need a router: several replicas can take one, or prefill and decode are apart. */
export function needsRouter({ pools }: Deployment): boolean {
  const taking = pools.filter(({ role }) => role !== "encode");
  return taking.length > 1 || taking.some(({ replicas }) => replicas > 1);
}

/** Arguments of the router in front of a fleet. */
export function routerArguments(
  engine: RoutedEngine,
  deployment: Deployment,
  { workers, port }: { readonly workers: RouterWorkers; readonly port: string },
): { readonly program: readonly string[]; readonly args: readonly string[]; readonly missing: readonly Inexpressible[] } {
  const policy = POLICIES[deployment.routing];
  const split = deployment.pools.some(({ role }) => role === "prefill" || role === "decode");
  const mixed = split && deployment.pools.some(({ role }) => role === "both");
  const missing = [
    ...(policy === undefined ? [inexpressible("deployment", "routing", `${engine}-router has no policy "${deployment.routing}"`)] : []),
    ...(mixed ? [inexpressible("deployment", "pools", `${engine}-router takes split pools or whole ones, not both`)] : []),
  ];
  const splitFlag = engine === "vllm" ? "--vllm-pd-disaggregation" : "--pd-disaggregation";
  return {
    program: engine === "vllm" ? ["vllm-router"] : ["python3", "-m", "sglang_router.launch_router"],
    args: [...(policy ?? []), ...(split ? [splitFlag] : []), ...workerArguments(workers), "--host", "0.0.0.0", "--port", port],
    missing,
  };
}

function workerArguments(workers: RouterWorkers): string[] {
  if (workers.by === "address") {
    return [
      ...(workers.both.length === 0 ? [] : ["--worker-urls", ...workers.both]),
      ...workers.prefill.flatMap((each) => ["--prefill", each]),
      ...workers.decode.flatMap((each) => ["--decode", each]),
    ];
  }
  return [
    ...["--service-discovery", "--service-discovery-port", workers.port],
    ...(workers.both === undefined ? [] : ["--selector", ...workers.both]),
    ...(workers.prefill === undefined ? [] : ["--prefill-selector", ...workers.prefill]),
    ...(workers.decode === undefined ? [] : ["--decode-selector", ...workers.decode]),
  ];
}

import { unreachable } from "../../base/assert.ts";
import type { RoutingName } from "../../plan/deployment/deployment.ts";
import { adapterAffinity, leastLoaded, prefixAware, randomRouting, roundRobin } from "./plain-routing.ts";
import { pricedServing } from "./priced-serving.ts";
import type { ServingRouting } from "./serving-routing.ts";

/** The router of that name; `seed` matters to those that draw. */
export function servingRouting(name: RoutingName, seed: number): ServingRouting {
  switch (name) {
    case "round-robin":
      return roundRobin;
    case "random":
      return randomRouting(seed);
    case "least-loaded":
      return leastLoaded;
    case "prefix-aware":
      return prefixAware;
    case "adapter-affinity":
      return adapterAffinity;
    case "priced":
      return pricedServing;
    default:
      return unreachable(name);
  }
}

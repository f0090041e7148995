import type { Deployment, Pool } from "../deployment/deployment.ts";
import type { FleetPlan, PlannedPool } from "./fleet-plan.ts";
import type { SloProblem } from "./slo-problem.ts";

/** A plan as a deployment, the form that is simulated and written for other systems. */
export function planDeployment({ model, routing, transfer, fabric }: SloProblem, { pools }: FleetPlan): Deployment {
  const split = pools.some(({ capacity }) => capacity.design.role !== "both");
  return {
    version: 1,
    model,
    pools: pools.map((pool, index) => poolOf(pool, pools, index)),
    routing,
    ...(fabric === undefined ? {} : { fabric: fabric.path }),
    ...(split && transfer !== undefined ? { kvTransfer: { ...transfer, layerwise: false } } : {}),
  };
}

function poolOf({ capacity, replicas }: PlannedPool, pools: readonly PlannedPool[], index: number): Pool {
  const { design, replica } = capacity;
  const { role, device, parallel, precision, engine, lora, ffn, encoder } = design;
  const first = role === "both" ? device : role;
  const others = pools.filter(
    ({ capacity: other }, at) => at < index && other.design.role === role && (role !== "both" || other.design.device === device),
  );
  const kvBlocks = Math.floor(replica.kvTokens / parallel.data / engine.blockTokens);
  return {
    name: others.length === 0 ? first : `${first}-${others.length + 1}`,
    role,
    device,
    replicas,
    parallel,
    precision,
    engine: role === "encode" ? engine : { ...engine, kvBlocks },
    ...(lora === undefined ? {} : { lora }),
    ...(ffn === undefined ? {} : { ffn }),
    ...(encoder === undefined ? {} : { encoder }),
  };
}

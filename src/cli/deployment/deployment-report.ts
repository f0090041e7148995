import type { Basis } from "../../cost/estimate.ts";
import type { MeasuredAt } from "../../cost/iteration/engines/front-time.ts";
import { emptyBatch } from "../../cost/iteration/iteration-cost.ts";
import type { Lap } from "../../cost/iteration/split-ffn/ping-pong.ts";
import type { Deployment } from "../../plan/deployment/deployment.ts";
import type { FilledDefault } from "../../plan/deployment/deployment-file.ts";
import { type DeploymentFigures, deploymentFigures } from "../../simulate/deployment/deployment-ensemble.ts";
import type { DeploymentRun } from "../../simulate/deployment/deployment-run.ts";
import type { Objective } from "../../simulate/deployment/objective.ts";
import type { PricedPool } from "../../simulate/deployment/price-pool.ts";
import { deviceCount, type RunFigures } from "../../simulate/deployment/run-figures.ts";
import { type KvReport, kvReport } from "./kv-report.ts";
import { type MeasuredAtReport, measuredAtReport } from "./measured-at.ts";
import type { OpenWorkload } from "./open-workload.ts";

/** What `heddle simulate` says of a deployment; latencies in ns, shares 0 to 1. One JSON document with `--json`. */
export interface DeploymentReport {
  readonly version: 1;
  readonly deployment: Deployment;
  readonly defaults: readonly FilledDefault[];
  readonly devices: number;
  readonly pools: readonly PoolReport[];
  readonly kv?: KvReport;
  readonly workload: { readonly source: string; readonly requests: number; readonly leftOut: OpenWorkload["leftOut"] };
  readonly objective?: Objective;
  readonly measuredAt: MeasuredAtReport;
  readonly runs: number;
  readonly seed: number;
  readonly figures: DeploymentFigures;
}

/** What the figures of a pool rest on. */
export interface PoolReport {
  readonly name: string;
  readonly device: string;
  readonly devices: number;
  /** Of the iterations' prices; `spread` is the relative half-width of their 90 % interval. */
  readonly basis: Basis;
  readonly source: string;
  readonly spread: number;
  readonly kvBlocks: number;
  readonly kvTokens: number;
  readonly weightBytesADevice: number;
  /** Slots of adapters (LoRA). */
  readonly adapterBytesADevice: number;
  /** Encoder of images: weights, activations, and what is kept of images. */
  readonly encoderBytesADevice: number;
  readonly dollarsPerHour?: { readonly value: number; readonly basis: string; readonly source: string };
  readonly powerWatts?: { readonly value: number; readonly basis: string; readonly source: string };
  /** Devices of the feed-forwards, where they have their own; `devices` holds them, all else is of attention's. */
  readonly ffn?: FfnReport;
}

/** The FFN side of a pool, and a lap of a layer with as many sequences as may run, or as have room, at `context` tokens. */
export interface FfnReport {
  readonly device: string;
  readonly devices: number;
  readonly weightBytesADevice: number;
  readonly dollarsPerHour?: PoolReport["dollarsPerHour"];
  readonly powerWatts?: PoolReport["powerWatts"];
  readonly sequences: number;
  readonly context: number;
  readonly lap: Lap;
}

/** Context of the lap that a report shows. Units: tokens. */
const SHOWN_CONTEXT = 1024;

function ffnReport(
  { sheet, devices, weightBytes }: NonNullable<PricedPool["ffn"]>,
  { cost, pool, budget }: Pick<PricedPool, "cost" | "pool" | "budget">,
): FfnReport {
  const room = Math.floor((budget.kvBlocks * pool.engine.blockTokens) / SHOWN_CONTEXT);
  const sequences = Math.max(1, Math.min(pool.engine.maxSequences * pool.parallel.data, room));
  const shape = { ...emptyBatch(), decodes: sequences, decodeContext: sequences * SHOWN_CONTEXT, decodeContextMax: SHOWN_CONTEXT };
  return {
    device: sheet.name,
    devices: pool.replicas * devices,
    weightBytesADevice: weightBytes,
    ...(sheet.dollarsPerHour === undefined ? {} : { dollarsPerHour: sheet.dollarsPerHour }),
    ...(sheet.powerWatts === undefined ? {} : { powerWatts: sheet.powerWatts }),
    sequences,
    context: SHOWN_CONTEXT,
    lap: cost.lap!(shape),
  };
}

export interface ReportParts {
  readonly run: DeploymentRun;
  readonly defaults: readonly FilledDefault[];
  readonly workload: OpenWorkload;
  readonly objective: Objective | undefined;
  readonly seed: number;
  readonly measuredAt: MeasuredAt;
  readonly figures: readonly RunFigures[];
}

export function deploymentReport({ run, defaults, workload, objective, seed, measuredAt, figures }: ReportParts): DeploymentReport {
  const kv = kvReport(run);
  return {
    version: 1,
    deployment: run.deployment,
    defaults,
    devices: deviceCount(run),
    pools: run.pools.map(({ pool, sheet, cost, budget, ffn }) => ({
      name: pool.name,
      device: sheet.name,
      devices: pool.replicas * cost.devices,
      ...(ffn === undefined ? {} : { ffn: ffnReport(ffn, { cost, pool, budget }) }),
      basis: cost.basis,
      source: cost.source,
      spread: cost.spread,
      kvBlocks: budget.kvBlocks,
      kvTokens: budget.kvBlocks * pool.engine.blockTokens,
      weightBytesADevice: budget.weightBytes,
      adapterBytesADevice: budget.adapterBytes,
      encoderBytesADevice: budget.encoderBytes,
      ...(sheet.dollarsPerHour === undefined ? {} : { dollarsPerHour: sheet.dollarsPerHour }),
      ...(sheet.powerWatts === undefined ? {} : { powerWatts: sheet.powerWatts }),
    })),
    ...(kv === undefined ? {} : { kv }),
    workload: { source: workload.source, requests: workload.requests.count, leftOut: workload.leftOut },
    ...(objective === undefined ? {} : { objective }),
    measuredAt: measuredAtReport([run], measuredAt),
    runs: figures.length,
    seed,
    figures: deploymentFigures(figures),
  };
}

import type { Cut } from "../../iteration/cut.ts";
import type { SiliconRow, SiliconSide } from "./silicon-row.ts";

/** Dumps that write the tensor or attention-data degree times the expert degree. Source: the sample's README, known faults; ids that name degrees agree. */
const MULTIPLIED = /^(2026-04-06\.csv|db-dump\/2026-04-27)/;
/** Devices of a server; a scale-up domain of many trays is still served tensor-parallel within one. */
const SERVER_DEVICES = 8;

/** A row's cut as it must have been, or why there is none. */
export type SiliconCut = { readonly cut: Cut; readonly corrected: boolean } | { readonly impossible: string };

/** Devices of a tray of the GB200, on which its low-latency scripts run one replica. */
const TRAY_DEVICES = 4;
/** From then on SGLang on the GB200 is launched from recipes, and entries say what those do. Source: pull requests 633 and 635 of SemiAnalysisAI/InferenceX. */
const RECIPES_SINCE = "2026-02";

/**
 * The cut of SGLang on the GB200 where its entry does not say it: low-latency scripts run one tensor group without data-parallel attention, the others one
 * expert group over all ranks.
 *
 * Source: `.github/configs/nvidia-master.yaml` of InferenceMAX until January 2026 ("tp, ep, and dp-attn do nothing because they are hardcoded" in scripts, whose
 * entries have the expert degree that rows write as a tensor degree); ai-dynamo/dynamo `examples/backends/sglang/slurm_jobs/scripts/gb200-fp4/disagg` and
 * `gb200-fp8/disagg`: `1k1k-low-latency.sh`, `8k1k-low-latency.sh` (`--data-parallel-size 1 --expert-parallel-size 1`).
 */
function scriptedCut(row: SiliconRow, side: SiliconSide): Cut | undefined {
  if (row.mode !== "disagg" || row.engine !== "sglang" || row.device !== "gb200" || row.measured >= RECIPES_SINCE) return undefined;
  const { decode } = row;
  if (decode === undefined || decode.data === 1) return undefined;
  const group = side.tensor * side.data;
  const whole = { pipeline: side.pipeline, context: 1 };
  if (decode.tensor * decode.data === TRAY_DEVICES) return { ...whole, tensor: group, data: 1, expert: 1 };
  return { ...whole, tensor: side.tensor, data: side.data, expert: group };
}

/**
 * The cut of one side of a row.
 *
 * Model: in two of the dumps a degree was multiplied by the expert degree, which shows where both expert degrees are above 1; dividing gives the cut
 * that the ids of those rows name. More than 8 devices in a tensor group that remain are totals of a deployment, not a degree: such rows are left out.
 * Experts are not cut by columns over more devices than that either (2,048 columns over 32 are half a block of DeepSeek's scales): their ranks hold whole ones.
 */
export function siliconCut(row: SiliconRow, side: SiliconSide): SiliconCut {
  const scripted = scriptedCut(row, side);
  if (scripted !== undefined) return { cut: scripted, corrected: true };
  let { tensor, data, expert } = side;
  const multiplied = MULTIPLIED.test(row.source) && row.mode === "agg" && side.expertTensor > 1 && expert > 1;
  if (multiplied) {
    if (tensor % expert === 0) tensor /= expert;
    else if (data % expert === 0) data /= expert;
  }
  if (tensor > SERVER_DEVICES) return { impossible: `a tensor group of ${tensor} devices` };
  if (row.mode === "agg" && tensor * data * side.pipeline > SERVER_DEVICES)
    return { impossible: `${tensor * data * side.pipeline} devices in a server of 8` };
  const group = tensor * data;
  // Where attention is data-parallel, some rows leave the expert degree at 1 and write the tensor degree of the experts.
  if (expert > group || group % expert !== 0 || group / expert > SERVER_DEVICES) expert = group;
  return { cut: { tensor, pipeline: side.pipeline, data, expert, context: 1 }, corrected: multiplied };
}

/**
 * Why the closed loop of an aggregated row is not known; undefined where it is.
 *
 * Model: rows that state no number of clients are incomplete: their batch is what the engine holds at most, not what it is sent (up to 54 s to a first token
 * say that more waited). Of rows whose clients are a multiple of batch times data-parallel ranks the others are on replicas or ranks that the row does not
 * name: 32 replicas of two devices, or the ranks of one.
 */
export function siliconLoopFault({ clients }: SiliconRow, side: SiliconSide, cut: Cut): string | undefined {
  if (clients === undefined) return "no number of clients";
  const held = [side.batch * side.data, side.batch * cut.data];
  return held.includes(clients) ? undefined : "clients are not batch times ranks: replicas or ranks not named";
}

// Goal: our evaluators give published values for published placements and plans. Method: the data folders beside the project, where they are there.
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type FlowModel, readCluster, readObjective, readPlacement, readRates } from "../../bench/helix-inputs.ts";
import { readPipelineInput } from "../../bench/piper-inputs.ts";
import { evaluatePlacement } from "../../src/plan/layer-flow/evaluate.ts";
import { layerBound } from "../../src/plan/layer-flow/layer-bound.ts";
import { planPipeline } from "../../src/plan/pipeline-parallel/plan-pipeline.ts";

const HELIX = process.env["HEDDLE_HELIX_DATA"] ?? "../shared/data/helix-asplos25";
const PIPER = process.env["HEDDLE_PIPER_DATA"] ?? "../shared/data/piper";
const GIB = 1024 ** 3;

const LLAMA_70B: FlowModel = { layers: 80, activationBytes: 16384, tokenBytes: 2 };
const LLAMA_30B: FlowModel = { layers: 60, activationBytes: 13312, tokenBytes: 2 };

describe.skipIf(!existsSync(HELIX))("published placements of layers", () => {
  const single = `${HELIX}/artifact_evaluation/single_cluster`;

  it.each([
    ["24 machines", "cluster24", "layout_llama70b/ilp", LLAMA_70B],
    ["4 A100", "a100", "layout_llama30b/ilp/a100", LLAMA_30B],
    ["8 L4", "l4", "layout_llama30b/ilp/l4", LLAMA_30B],
    ["12 T4", "t4", "layout_llama30b/ilp/t4", LLAMA_30B],
  ])("pass what the stored solution says: %s", (_name, cluster, layout, model) => {
    const config = `${single}/config/${cluster}.ini`;
    const problem = readCluster(config, model, readRates(`${single}/${layout}/ilp_model.lp`, config));
    const { flow, cut, breaches } = evaluatePlacement(problem, readPlacement(`${single}/${layout}/ilp_sol.ini`, problem.machines.length));
    expect(breaches).toEqual([]);
    expect(flow).toBeCloseTo(readObjective(`${single}/${layout}/ilp_solution.sol`), 6);
    expect(cut.value).toBeCloseTo(flow, 6);
    expect(layerBound(problem)).toBeGreaterThanOrEqual(flow * (1 - 1e-9));
  });

  it("pass what was published: 24 machines in three regions", () => {
    const regions = `${HELIX}/artifact_evaluation/distributed_clusters`;
    const rates = readRates(`${single}/layout_llama70b/ilp/ilp_model.lp`, `${single}/config/cluster24.ini`);
    const problem = readCluster(`${regions}/config/3cluster24.ini`, LLAMA_70B, rates);
    const { flow } = evaluatePlacement(problem, readPlacement(`${regions}/layout_llama70b/ilp/ilp_sol.ini`, problem.machines.length));
    expect(flow).toBeCloseTo(1212.177, 3);
  });
});

describe.skipIf(!existsSync(PIPER))("joint plans for BERT-32", () => {
  // Reference: the origin's algorithm, with GiB and GiB/s; rounded as given there.
  it.each([
    [8, 64, 0.0202, 5],
    [80, 8, 0.12201, 5],
  ])("%i GiB, %i devices: %d", (gib, devices, reference, digits) => {
    const found = planPipeline(
      readPipelineInput(`${PIPER}/inputs/bert32a100.json`, { devices, memoryBytes: gib * GIB, unitSeconds: GIB / 1e9 }),
    );
    if (!found.ok) throw expect.unreachable();
    expect(found.value.value).toBeCloseTo(reference, digits);
    expect(found.value.gap).toBe(0);
  });

  it("do not fit 8 devices of 2 GiB", () => {
    const found = planPipeline(
      readPipelineInput(`${PIPER}/inputs/bert32a100.json`, { devices: 8, memoryBytes: 2 * GIB, unitSeconds: GIB / 1e9 }),
    );
    expect(found).toEqual({ ok: false, error: { code: "no-pipeline", proven: true } });
  });
});

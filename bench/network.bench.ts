/** Errors of collectives, dispatch and transfers against public tables, and the speed of link flows: `npm run bench -- network [-- <folder of data sets>]`. */
import { existsSync } from "node:fs";
import { seededPrng } from "../src/base/prng.ts";
import type { AccuracyRow } from "../src/cost/accuracy/accuracy-row.ts";
import { collectiveSets } from "../src/cost/accuracy/network/collective-set.ts";
import { scoreRatioRamp, scoreRingConstants } from "../src/cost/accuracy/network/score-bus-ratios.ts";
import { HELD_OUT, scoreCollectives } from "../src/cost/accuracy/network/score-collectives.ts";
import { scoreDispatch } from "../src/cost/accuracy/network/score-dispatch.ts";
import { scoreFamilies } from "../src/cost/accuracy/network/score-families.ts";
import { scoreNcclTests } from "../src/cost/accuracy/network/score-nccl-tests.ts";
import { scorePublishedDeepep } from "../src/cost/accuracy/network/score-published-deepep.ts";
import { scoreKvTransfers, scoreTransferRates } from "../src/cost/accuracy/network/score-transfers.ts";
import { collectiveModel } from "../src/cost/network/collectives/collective-model.ts";
import { tableCollectives } from "../src/cost/network/collectives/table-collectives.ts";
import { createFlowNetwork } from "../src/simulate/flows/flow-network.ts";
import type { Bench, BenchReport, Figure } from "./bench.ts";
import { cpuTimer } from "./cpu-time.ts";
import { busRatios, collectiveTables, dgxAllReduce, dispatchTables, hgx, publishedDeepep, publishedTransfers } from "./network-inputs.ts";

const FLOWS = 200_000;

export const bench: Bench = {
  name: "network",
  run: async ({ note, rest }): Promise<BenchReport> => {
    const root = rest[0] ?? "../shared/data";
    const figures: Figure[] = [];
    if (existsSync(`${root}/aiconfigurator-ops`)) {
      const tables = await collectiveTables(root);
      const { sets, excluded } = collectiveSets(tables);
      for (const heldOut of HELD_OUT) {
        note(`collectives: ${heldOut} held out`);
        for (const row of scoreCollectives(sets, heldOut, excluded))
          figures.push(...figuresOf(row, `${row.engine}, ${heldOut} held out`, row.family === "collectives" ? 0.12 : undefined));
      }
      for (const row of scoreFamilies(sets)) figures.push(...figuresOf(row, `${row.device} held out`));
      const h100 = tableCollectives(await collectiveTables(root, "h100_sxm/comm/nccl/2.29.2"), {
        source: "tables of another machine with 8 H100",
        library: "nccl",
        linkBytesPerSecond: 450e9,
        reducesInSwitch: true,
        otherMachine: true,
      });
      for (const model of [collectiveModel(hgx("hopper")), h100])
        figures.push(...figuresOf(scoreNcclTests(dgxAllReduce(root), model, "8 x H100"), `nccl-tests from ${model.source}`, 0.1));
      for (const row of scoreDispatch(await dispatchTables(root)))
        figures.push(...figuresOf(row, `${row.device} ${row.engine}, ${row.protocol}`));
      for (const row of scorePublishedDeepep(publishedDeepep(root))) figures.push(...figuresOf(row, row.engine, 0.1));
      const transfers = publishedTransfers(root);
      for (const row of [scoreKvTransfers(transfers), scoreTransferRates(transfers)]) figures.push(...figuresOf(row, row.protocol, 0.1));
      for (const name of ["nic", "nvlink", "ata"] as const)
        figures.push(
          ...figuresOf(scoreRatioRamp(busRatios(root, name), name), "SimAI ratios, nodes held out", name === "ata" ? undefined : 0.1),
        );
      figures.push(...figuresOf(scoreRingConstants(busRatios(root, "nic"), hgx("hopper")), "SimAI ratios, NCCL's constants"));
    } else note(`no data sets at ${root}: errors are not measured`);
    for (const [nodes, under] of FLOW_LOADS) {
      note(`${FLOWS} flows, ${under} at a time, over ${nodes} nodes`);
      figures.push(flowSpeed(nodes, under));
    }
    return {
      setup: [
        "errors |predicted / measured - 1|; half-width: median of 90 % intervals over the median error; each row of what was held out as named",
        "flows: random pairs of nodes with one link in and one out, each end starts a new one; CPU time of the process",
      ],
      figures,
    };
  },
};

/** Nodes, flows under way. */
const FLOW_LOADS: readonly (readonly [number, number])[] = [
  [512, 128],
  [4096, 1000],
  [64, 64],
];

function figuresOf(row: AccuracyRow, label: string, most?: number): Figure[] {
  const name = `${row.family}, ${label} (${row.points})`;
  const floor = most === undefined ? {} : { floor: { max: 100 * most } };
  const figures: Figure[] = [
    { name: `${name}: mean`, value: 100 * row.meanError, unit: "%", ...floor },
    { name: `${name}: median`, value: 100 * row.medianError, unit: "%" },
  ];
  if (row.coverage !== undefined) {
    figures.push({ name: `${name}: coverage`, value: 100 * row.coverage, unit: "%" });
    figures.push({ name: `${name}: half-width / median`, value: row.medianHalfWidth! / row.medianError, unit: "x" });
  }
  return figures;
}

function flowSpeed(nodes: number, under: number): Figure {
  const network = createFlowNetwork(Array.from({ length: 2 * nodes }, () => ({ bytesPerSecond: 50e9 })));
  const draw = seededPrng(3);
  let started = 0;
  let nowNs = 0;
  const start = (): void => {
    const from = draw.nextBelow(nodes);
    const to = (from + 1 + draw.nextBelow(nodes - 1)) % nodes;
    network.start(started++, [2 * from, 2 * to + 1], { bytes: 1e6 + draw.nextBelow(100_000_000), nowNs });
  };
  const seconds = cpuTimer();
  for (let i = 0; i < under; i++) start();
  for (let ended = 0; ended < FLOWS; ) {
    nowNs = network.nextFinish()!.timeNs;
    const count = network.advance(nowNs);
    ended += count;
    for (let i = 0; i < count; i++) start();
  }
  return {
    name: `flows a second, ${nodes} nodes, ${under} at a time`,
    value: FLOWS / seconds(),
    unit: "1/s",
    ...(nodes > 64 && { floor: { min: 100_000 } }),
  };
}

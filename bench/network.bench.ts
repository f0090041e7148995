/** Errors of collectives, dispatch and transfers against public tables, and the speed of link flows: `npm run bench -- network [-- <folder of data sets>]`. */
import { seededPrng } from "../src/base/prng.ts";
import { dataFolder } from "../src/cli/accuracy/data-folder.ts";
import {
  busRatios,
  collectiveTables,
  dispatchTables,
  hgx,
  ncclTestsTable,
  publishedDeepep,
  publishedTransfers,
} from "../src/cli/accuracy/network-tables.ts";
import type { AccuracyRow } from "../src/cost/accuracy/accuracy-row.ts";
import { collectiveSets } from "../src/cost/accuracy/network/collective-set.ts";
import { scorePricedAllToAll, scoreRatioRamp, scoreRingConstants } from "../src/cost/accuracy/network/score-bus-ratios.ts";
import { HELD_OUT, scoreCollectives } from "../src/cost/accuracy/network/score-collectives.ts";
import { scoreDispatch } from "../src/cost/accuracy/network/score-dispatch.ts";
import { scoreFamilies } from "../src/cost/accuracy/network/score-families.ts";
import { scoreNcclTests } from "../src/cost/accuracy/network/score-nccl-tests.ts";
import { scorePublishedDeepep } from "../src/cost/accuracy/network/score-published-deepep.ts";
import { scoreKvTransfers, scoreTransferRates } from "../src/cost/accuracy/network/score-transfers.ts";
import { scoreVersions } from "../src/cost/accuracy/network/score-versions.ts";
import { collectiveModel } from "../src/cost/network/collectives/collective-model.ts";
import { tableCollectives } from "../src/cost/network/collectives/table-collectives.ts";
import { createFlowNetwork } from "../src/simulate/flows/flow-network.ts";
import type { Bench, BenchReport, Figure } from "./bench.ts";
import { cpuTimer } from "./cpu-time.ts";

const FLOWS = 200_000;
const LINES: string[] = [];

export const bench: Bench = {
  name: "network",
  run: async ({ note, rest }): Promise<BenchReport> => {
    const data = dataFolder(rest[0] ?? "../shared/data");
    const figures: Figure[] = [];
    if (data.has("aiconfigurator-ops")) {
      const tables = await collectiveTables(data);
      const { sets, excluded } = collectiveSets(tables);
      for (const heldOut of HELD_OUT) {
        note(`collectives: ${heldOut} held out`);
        for (const row of scoreCollectives(sets, heldOut, excluded))
          figures.push(...figuresOf(row, `${row.engine}, ${heldOut} held out`, row.family === "collectives" ? 0.12 : undefined));
      }
      for (const row of scoreVersions(sets)) figures.push(...figuresOf(row, `${row.engine}, other versions than fitted`));
      for (const row of scoreFamilies(sets)) figures.push(...figuresOf(row, `${row.device} held out`));
      const h100 = tableCollectives(await collectiveTables(data, "h100_sxm/comm/nccl/2.29.2"), {
        source: "tables of another machine with 8 H100",
        library: "nccl",
        linkBytesPerSecond: 450e9,
        reducesInSwitch: true,
        otherMachine: true,
      });
      for (const model of [collectiveModel(hgx("hopper")), h100])
        figures.push(...figuresOf(scoreNcclTests(ncclTestsTable(data), model, "8 x H100"), `nccl-tests from ${model.source}`, 0.1));
      for (const row of scoreDispatch(await dispatchTables(data)))
        figures.push(...figuresOf(row, `${row.device} ${row.engine}, ${row.protocol}`));
      for (const row of scorePublishedDeepep(publishedDeepep(data))) figures.push(...figuresOf(row, row.engine, 0.1));
      const transfers = publishedTransfers(data);
      for (const row of [scoreKvTransfers(transfers), scoreTransferRates(transfers)]) figures.push(...figuresOf(row, row.protocol, 0.1));
      for (const name of ["nic", "nvlink", "ata"] as const)
        figures.push(
          ...figuresOf(
            scoreRatioRamp(busRatios(data, name), name, name === "ata" ? "all-to-all" : "ring"),
            "SimAI ratios, nodes held out",
            0.1,
          ),
        );
      for (const row of scorePricedAllToAll(busRatios(data, "ata"), hgx("hopper")))
        figures.push(...figuresOf(row, `SimAI ratios, ${row.protocol}`));
      figures.push(...figuresOf(scoreRingConstants(busRatios(data, "nic"), hgx("hopper")), "SimAI ratios, NCCL's constants"));
    } else note(`no data sets at ${data.path}: errors are not measured`);
    for (const [nodes, under] of FLOW_LOADS) {
      note(`${FLOWS} flows, ${under} at a time, over ${nodes} nodes`);
      figures.push(flowSpeed(nodes, under));
    }
    return {
      setup: [
        "errors |predicted / measured - 1| in %; half-width: median of 90 % intervals over the median error; figures below: mean errors",
        ...LINES,
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

/** The mean error as a figure, with a floor where there is one; what else is known of the row is a line of the set-up. */
function figuresOf(row: AccuracyRow, label: string, most?: number): Figure[] {
  const percent = (value: number | undefined): string => (value === undefined ? "-" : (100 * value).toFixed(1));
  const left = Object.entries(row.excluded).map(([reason, count]) => `${count} left out (${reason})`);
  const interval =
    row.coverage === undefined
      ? ""
      : `, coverage ${percent(row.coverage)}, half-width ${(row.medianHalfWidth! / row.medianError).toFixed(1)} x median`;
  const errors = `mean ${percent(row.meanError)} median ${percent(row.medianError)} p90 ${percent(row.p90)} signed ${percent(row.signedMean)}`;
  LINES.push(`${row.family}, ${label}: ${row.points} points, ${errors}${interval}${left.length > 0 ? `; ${left.join(", ")}` : ""}`);
  return [
    { name: `${row.family}, ${label}`, value: 100 * row.meanError, unit: "%", ...(most !== undefined && { floor: { max: 100 * most } }) },
  ];
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

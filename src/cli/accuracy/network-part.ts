import type { AccuracyRow } from "../../cost/accuracy/accuracy-row.ts";
import { collectiveSets } from "../../cost/accuracy/network/collective-set.ts";
import { scorePricedAllToAll, scoreRatioRamp, scoreRingConstants } from "../../cost/accuracy/network/score-bus-ratios.ts";
import { HELD_OUT, scoreCollectives } from "../../cost/accuracy/network/score-collectives.ts";
import { scoreDispatch } from "../../cost/accuracy/network/score-dispatch.ts";
import { scoreFamilies } from "../../cost/accuracy/network/score-families.ts";
import { scoreNcclTests } from "../../cost/accuracy/network/score-nccl-tests.ts";
import { scorePublishedDeepep } from "../../cost/accuracy/network/score-published-deepep.ts";
import { scoreKvTransfers, scoreTransferRates } from "../../cost/accuracy/network/score-transfers.ts";
import { scoreVersions } from "../../cost/accuracy/network/score-versions.ts";
import { collectiveModel } from "../../cost/network/collectives/collective-model.ts";
import type { AccuracyPart } from "./accuracy-part.ts";
import { busRatios, dispatchTables, hgx, ncclTestsTable, publishedDeepep, publishedTransfers } from "./network-tables.ts";
import { tablesBelow } from "./operators-part.ts";

const FOLDER = "aiconfigurator-ops";

/** Collectives of sizes and numbers of ranks that were not measured, and of a generation of devices of which none was. */
export const COLLECTIVES: AccuracyPart = {
  id: "collectives",
  title: "Collectives of sizes, ranks and generations of devices that were not measured",
  needs: FOLDER,
  beside: [],
  rows: async (data) => {
    const tables = await tablesBelow(data, FOLDER);
    const { sets, excluded } = collectiveSets(tables.filter(({ file }) => file.includes("/comm/")));
    const heldOut = HELD_OUT.flatMap((held) =>
      scoreCollectives(sets, held, {}).map((row, i): AccuracyRow => {
        // What was left out of the sets is counted once a protocol.
        if (i === 0) return { ...row, excluded };
        return row.engine.startsWith("all libraries") ? { ...row, total: true } : row;
      }),
    );
    const rows = [...heldOut, ...scoreVersions(sets), ...scoreFamilies(sets)];
    return data.has("nccl-tests") ? [...rows, scoreNcclTests(ncclTestsTable(data), collectiveModel(hgx("hopper")), "8 x H100")] : rows;
  },
};

/** Dispatch and combine of a mixture's tokens. */
export const DISPATCH: AccuracyPart = {
  id: "dispatch",
  title: "Dispatch and combine of a mixture's tokens (DeepEP)",
  needs: FOLDER,
  beside: [],
  rows: async (data) => {
    const rows = scoreDispatch(await dispatchTables(data));
    return data.has("deepep-tables") ? [...rows, ...scorePublishedDeepep(publishedDeepep(data))] : rows;
  },
};

/** Transfers of KV between nodes. */
export const TRANSFERS: AccuracyPart = {
  id: "transfers",
  title: "Transfers of KV between nodes, and rates of links",
  needs: "transfer-tables",
  beside: [],
  rows: (data) => {
    const published = publishedTransfers(data);
    const rows = [scoreKvTransfers(published), scoreTransferRates(published)];
    if (!data.has("simai-busbw-ratios")) return rows;
    const ramps = (["nic", "nvlink", "ata"] as const).map((name) =>
      scoreRatioRamp(busRatios(data, name), RATIO_NAMES[name], name === "ata" ? "all-to-all" : "ring"),
    );
    const priced = [
      scoreRingConstants(busRatios(data, "nic"), hgx("hopper")),
      ...scorePricedAllToAll(busRatios(data, "ata"), hgx("hopper")),
    ];
    return [...rows, ...ramps, ...priced];
  },
};

const RATIO_NAMES = { nic: "rate over cards", nvlink: "rate over NVLink", ata: "rate of all-to-all" } as const;

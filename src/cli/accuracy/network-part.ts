import type { AccuracyRow } from "../../cost/accuracy/accuracy-row.ts";
import { collectiveSets } from "../../cost/accuracy/network/collective-set.ts";
import { HELD_OUT, scoreCollectives } from "../../cost/accuracy/network/score-collectives.ts";
import { scoreFamilies } from "../../cost/accuracy/network/score-families.ts";
import type { AccuracyPart } from "./accuracy-part.ts";
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
    return [...heldOut, ...scoreFamilies(sets)];
  },
};

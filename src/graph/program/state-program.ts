import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import type { Program } from "./program.ts";
import { stateGraph } from "./state-graph.ts";
import type { StateProgram } from "./state-spec.ts";
import { stateStage } from "./state-stage.ts";

export { STATE_DOMAIN, type StateOperator, type StateProgram, type StateValue } from "./state-spec.ts";

/**
 * The program: its graph, with types and sizes of every value, and its stages.
 *
 * Errors: `graph-invalid` with operator and reason.
 */
export function stateProgramOf(described: StateProgram): Program {
  const graph = stateGraph(described);
  const fingerprint = bytesToHex(sha256(new TextEncoder().encode(JSON.stringify(described))));
  return { name: described.name, fingerprint, graph, stage: (operators) => stateStage({ graph, fingerprint }, operators) };
}

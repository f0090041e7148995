import { Document, isMap, isSeq, visit } from "yaml";
import type { Rack } from "./rack.ts";
import { checkRack } from "./rack-check.ts";
import { rackSchema } from "./rack-schema.ts";
import { withFileRows, withWholeRows } from "./whole-rows.ts";
import { readYaml } from "./yaml-text.ts";

/** Longest rack file read, in characters: a device with full tables takes 30,000 or fewer, and this much parses in seconds. */
export const RACK_TEXT_MAX = 2_097_152;

/**
 * Reads a rack file (YAML).
 *
 * Errors: `rack-invalid` with line and field; never anything else, whatever the text.
 */
export function readRack(text: string): Rack {
  const { value, invalidAt } = readYaml(text, { code: "rack-invalid", schema: rackSchema, textMax: RACK_TEXT_MAX });
  const fault = checkRack(value);
  if (fault !== undefined) throw invalidAt(fault.path, fault.message);
  return withWholeRows(value);
}

/** Writes a rack as YAML; `readRack` of it gives an equal rack. Rows of tables stand one a line. */
export function writeRack(rack: Rack): string {
  const document = new Document(withFileRows(rack), { aliasDuplicateObjects: false });
  visit(document, {
    Seq: (_key, node) => {
      const first = node.items[0];
      if (first !== undefined && !isMap(first) && !isSeq(first)) node.flow = true;
    },
    Map: (_key, node) => {
      if (node.items.every((pair) => !isMap(pair.value) && !isSeq(pair.value))) node.flow = node.has("ns");
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

import type { Rack } from "../rack/rack.ts";
import { readRack } from "../rack/rack-file.ts";
import { parseTextFile } from "./read-file.ts";

/** Errors: `file-unreadable`, `rack-invalid`. */
export function readRackFile(path: string): Rack {
  return parseTextFile(path, readRack);
}

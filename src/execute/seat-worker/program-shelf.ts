import { join } from "node:path";
import type { Program } from "../../graph/program/program.ts";
import type { WireProgram } from "./seat-messages.ts";
import { spoolFolder } from "./spool.ts";

/** Programs of a worker: each is opened once, so that its stages share stored tensors. */
export interface ProgramShelf {
  /** Errors: those of reading it. */
  open(program: WireProgram): Promise<{ readonly key: string; readonly program: Program }>;
}

export function createProgramShelf(cacheFolder: string): ProgramShelf {
  const programs = new Map<string, Promise<Program>>();
  return {
    open: async (wire) => {
      const key = keyOf(wire);
      let opening = programs.get(key);
      if (opening === undefined) {
        opening = read(wire, cacheFolder);
        programs.set(key, opening);
        opening.catch(() => programs.delete(key));
      }
      return { key, program: await opening };
    },
  };
}

function keyOf(wire: WireProgram): string {
  switch (wire.type) {
    case "file":
      return `file:${wire.path}`;
    case "spooled":
      return `spooled:${wire.key}`;
    case "state":
      return `state:${JSON.stringify(wire.program)}`;
  }
}

async function read(wire: WireProgram, cacheFolder: string): Promise<Program> {
  switch (wire.type) {
    case "file":
      return (await import("./open-onnx-program.ts")).openOnnxProgram(wire.path);
    case "spooled":
      return (await import("./open-onnx-program.ts")).openOnnxProgram(join(spoolFolder(cacheFolder, wire.key), wire.model));
    case "state":
      return (await import("../../graph/program/state-program.ts")).stateProgramOf(wire.program);
  }
}

import { HeddleError } from "../../base/heddle-error.ts";
import type { Bindings } from "../../graph/ir/expression.ts";
import type { OpenDevice, ResidentStage } from "../device/device-driver.ts";
import type { ProgramShelf } from "./program-shelf.ts";
import type { WireProgram } from "./seat-messages.ts";

/** A stage at a seat; equal recipes share one. */
export interface ShelvedStage {
  readonly number: number;
  readonly resident: ResidentStage;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export interface LoadedStage {
  readonly stage: ShelvedStage;
  readonly compileNs: number;
  readonly loadNs: number;
}

export interface StageAsked {
  readonly program: WireProgram;
  readonly operators: readonly number[];
  readonly sizes: Bindings | null;
}

export interface StageShelf {
  /** Errors: those of compiling and loading. */
  load(asked: StageAsked): Promise<LoadedStage>;
  /** Errors: `input-invalid` where it is not loaded. */
  get(number: number): ShelvedStage;
  /** Ends one use; the last one takes the stage off the device. */
  release(number: number): Promise<void>;
  readonly count: number;
}

export function createStageShelf(device: OpenDevice, programs: ProgramShelf): StageShelf {
  const byNumber = new Map<number, { readonly key: string; readonly stage: ShelvedStage; uses: number }>();
  const byKey = new Map<string, Promise<ShelvedStage>>();
  let next = 0;

  const make = async (asked: StageAsked, key: string): Promise<ShelvedStage> => {
    const { program } = await programs.open(asked.program);
    const compiled = await device.compile(program.stage(asked.operators), asked.sizes === null ? {} : { sizes: asked.sizes });
    const resident = await device.load(compiled);
    const { inputs, outputs } = compiled.stage;
    const stage = { number: next++, resident, inputs: inputs.map(({ name }) => name), outputs: outputs.map(({ name }) => name) };
    byNumber.set(stage.number, { key, stage, uses: 0 });
    return stage;
  };

  const rowOf = (number: number): { readonly key: string; readonly stage: ShelvedStage; uses: number } => {
    const row = byNumber.get(number);
    if (row === undefined) throw new HeddleError("input-invalid", { where: `stage ${number}`, detail: "it is not loaded" });
    return row;
  };

  return {
    load: async (asked) => {
      const { key: program } = await programs.open(asked.program);
      const sizes = Object.entries(asked.sizes ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
      const key = JSON.stringify([program, asked.operators, sizes]);
      let making = byKey.get(key);
      const fresh = making === undefined;
      if (making === undefined) {
        making = make(asked, key);
        byKey.set(key, making);
        making.catch(() => byKey.delete(key));
      }
      const stage = await making;
      rowOf(stage.number).uses++;
      return { stage, compileNs: fresh ? stage.resident.compiled.compileNs : 0, loadNs: fresh ? stage.resident.loadNs : 0 };
    },
    get: (number) => rowOf(number).stage,
    release: async (number) => {
      const row = rowOf(number);
      row.uses--;
      if (row.uses > 0) return;
      byNumber.delete(number);
      byKey.delete(row.key);
      await row.stage.resident.release();
    },
    get count() {
      return byNumber.size;
    },
  };
}

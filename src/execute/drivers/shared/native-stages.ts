import { HeddleError } from "../../../base/heddle-error.ts";
import type { StageModel } from "../../../graph/program/program.ts";
import type { Device } from "../../../rack/rack.ts";
import type { DeviceAccounts } from "../../device/device-accounts.ts";
import type { CompiledStage } from "../../device/device-driver.ts";
import type { NativeRuntime, NativeSession } from "./native-runtime.ts";

/** A stage's session in the memory of a device. */
export interface Resident {
  readonly session: NativeSession;
  release(): Promise<void>;
}

/** Stages of one device: compiled ones wait to be loaded as long as there is room. */
export interface NativeStages {
  /** Errors: `stage-unsupported`. */
  compile(stage: StageModel): Promise<CompiledStage>;
  /** Errors: `capacity`. */
  take(compiled: CompiledStage): Promise<Resident>;
  /** Drops what was compiled and is not loaded, until so many bytes are free or nothing is left to drop. */
  makeRoom(bytes: number): void;
  close(): Promise<void>;
}

const NS_PER_MS = 1e6;

/** For ONNX Runtime compiling and loading are one: a session made to compile is kept for the load that follows. */
export function prepareStages(
  runtime: NativeRuntime,
  { device, driver, accounts }: { readonly device: Device; readonly driver: string; readonly accounts: DeviceAccounts },
): NativeStages {
  const compiled = new Map<string, CompiledStage>();
  const waiting = new Map<string, { readonly session: NativeSession; readonly bytes: number }>();
  const loaded = new Set<NativeSession>();
  const dropped: Promise<void>[] = [];
  const drop = (key: string): void => {
    const { session, bytes } = waiting.get(key)!;
    waiting.delete(key);
    accounts.give(bytes);
    dropped.push(session.release());
  };
  const makeRoom = (bytes: number): void => {
    for (const key of [...waiting.keys()]) if (accounts.free() < bytes) drop(key);
  };
  const create = async (stage: StageModel, key: string): Promise<NativeSession> => {
    try {
      return await runtime.createSession(stage.model, key);
    } catch (thrown) {
      const detail = thrown instanceof Error ? thrown.message : String(thrown);
      if (runtime.isFatal(detail)) throw thrown;
      throw new HeddleError("stage-unsupported", { where: `${device.id}, ${stage.name}`, detail, cause: thrown });
    }
  };
  return {
    makeRoom,
    compile: async (stage) => {
      checkPorts(runtime, device.id, stage);
      const key = [driver, device.target ?? "cpu", runtime.version, `${device.threads} threads`, stage.key].join(" ");
      const known = compiled.get(key);
      if (known !== undefined) return { ...known, stage, compileNs: 0, fromCache: true };
      const startedAt = performance.now();
      const session = await create(stage, key);
      const fromCache = session.fromCache === true;
      const compileNs = fromCache ? 0 : Math.round((performance.now() - startedAt) * NS_PER_MS);
      accounts.add({ compileNs });
      try {
        checkOutputs(session, device.id, stage);
      } catch (thrown) {
        await session.release();
        throw thrown;
      }
      makeRoom(stage.weightBytes);
      if (accounts.free() >= stage.weightBytes) {
        accounts.hold(stage.weightBytes, stage.name);
        waiting.set(key, { session, bytes: stage.weightBytes });
      } else await session.release();
      const made = { key, stage, weightBytes: stage.weightBytes, compileNs, fromCache };
      compiled.set(key, made);
      return made;
    },
    take: async ({ key, stage }) => {
      const ready = waiting.get(key);
      waiting.delete(key);
      if (ready === undefined) {
        makeRoom(stage.weightBytes);
        accounts.hold(stage.weightBytes, `the weights of ${stage.name}`);
      }
      let session = ready?.session;
      try {
        session ??= await create(stage, key);
      } catch (thrown) {
        accounts.give(stage.weightBytes);
        throw thrown;
      }
      loaded.add(session);
      const kept = session;
      return {
        session,
        release: async () => {
          if (!loaded.delete(kept)) return;
          accounts.give(stage.weightBytes);
          await kept.release();
        },
      };
    },
    close: async () => {
      for (const key of [...waiting.keys()]) drop(key);
      await Promise.all([...dropped, ...[...loaded].map((session) => session.release())]);
      accounts.give(accounts.read().heldBytes);
      loaded.clear();
    },
  };
}

function checkPorts(runtime: NativeRuntime, device: string, stage: StageModel): void {
  for (const { name, type } of [...stage.inputs, ...stage.outputs]) {
    const unsure = type === "unknown" && stage.outputs.some((port) => port.name === name);
    if (unsure || (runtime.types as ReadonlySet<string>).has(type)) continue;
    const detail =
      type === "unknown"
        ? `the element type of "${name}" is not known`
        : `"${name}" is of ${type}, of which ${runtime.name} takes no tensors`;
    throw new HeddleError("stage-unsupported", { where: `${device}, ${stage.name}`, detail });
  }
  for (const id of stage.operators) {
    const operator = stage.graph.operators[id]!;
    const detail = runtime.apart?.(operator, stage.graph);
    if (detail !== undefined)
      throw new HeddleError("stage-unsupported", { where: `${device}, ${stage.name}`, detail: `${operator.type}: ${detail}` });
  }
}

/** Where inference does not tell an output's type, the runtime does. */
function checkOutputs(session: NativeSession, device: string, stage: StageModel): void {
  for (const { name, type } of stage.outputs) {
    const told = session.outputs[name];
    if (told !== undefined && (type === "unknown" || type === told)) continue;
    const detail = told === undefined ? `"${name}" is no tensor that can be handed over` : `"${name}" should be ${type} and is ${told}`;
    throw new HeddleError("stage-unsupported", { where: `${device}, ${stage.name}`, detail });
  }
}

import { fork } from "node:child_process";
import { assert } from "../../src/base/assert.ts";
import type { SideAnswer, SideQuestion, SideSetup } from "./side-protocol.ts";

/** A process with one engine loaded. */
export interface Side {
  readonly setup: SideSetup;
  ask(question: SideQuestion): Promise<SideAnswer>;
  close(): void;
}

/** Starts a process for the engine and waits until its model is loaded. */
export async function startSide(setup: SideSetup): Promise<Side> {
  const entry = new URL(setup.engine === "heddle" ? "heddle-side.js" : "llama-side.js", import.meta.url);
  const child = fork(entry, [JSON.stringify(setup)], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const answer = (): Promise<SideAnswer> =>
    new Promise((resolve, reject) => {
      const ended = (code: number | null): void => reject(new Error(`${setup.engine} ended with ${code}`));
      child.once("exit", ended);
      child.once("message", (message: SideAnswer) => {
        child.off("exit", ended);
        if (message.kind === "failed") reject(new Error(`${setup.engine}: ${message.detail}`));
        else resolve(message);
      });
    });
  await answer();
  return {
    setup,
    ask: (question) => {
      const answered = answer();
      child.send(question);
      return answered;
    },
    close: () => {
      child.kill();
    },
  };
}

export async function timesOf(side: Side, question: SideQuestion): Promise<readonly number[]> {
  const answer = await side.ask(question);
  assert(answer.kind === "times", "a timing question gets times", answer);
  return answer.ms;
}

/** Body of a side's process: answers questions in the order they come. */
export async function serveSide(answer: (question: SideQuestion) => Promise<SideAnswer>, load: () => Promise<void>): Promise<void> {
  const send = (message: SideAnswer): void => {
    process.send?.(message);
  };
  const guarded = async (work: () => Promise<SideAnswer>): Promise<void> => {
    try {
      send(await work());
    } catch (error) {
      send({ kind: "failed", detail: error instanceof Error ? error.message : String(error) });
    }
  };
  process.on("disconnect", () => process.exit(0));
  await guarded(async () => {
    await load();
    return { kind: "ready" };
  });
  process.on("message", (question: SideQuestion) => guarded(() => answer(question)));
}

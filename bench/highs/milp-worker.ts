/** Thread that solves one programme and reports every better answer on the way. */
import { parentPort, workerData } from "node:worker_threads";
import { type MilpOptions, solveMilp } from "./solve-milp.ts";

const { text, options } = workerData as { readonly text: string; readonly options: MilpOptions };
const answer = await solveMilp(text, options, (better) => parentPort?.postMessage({ last: false, answer: better }));
parentPort?.postMessage({ last: true, answer });

import { readFileSync } from "node:fs";

/** What a clock that is set while a process runs may move its start by. A folder kept too long is better than one taken from its writer. Units: ms. */
const CLOCK_SET_MS = 3_600_000;
/** Ticks of the start times in `/proc`, on every architecture Node.js runs on. Source: proc_pid_stat(5), `USER_HZ`. Units: 1/s. */
const TICKS_PER_SECOND = 100;

/**
 * Whether the process of that number may be the one that had it at a time: it runs, and did not begin later (numbers are given again, after a restart of
 * the machine from low ones on). Where the system does not say when it began (no `/proc`), any process of that number is taken for it.
 *
 * @param at Units: ms since 1970.
 */
export function mayRunSince(pid: number, at: number): boolean {
  if (!isRunning(pid)) return false;
  const began = beganAt(pid);
  return began === undefined || began <= at + CLOCK_SET_MS;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    // Another user's process may not be asked, but it is there.
    return cause instanceof Error && "code" in cause && cause.code === "EPERM";
  }
}

/** Units: ms since 1970. */
function beganAt(pid: number): number | undefined {
  try {
    // The name, in parentheses, may hold spaces; the start is field 22, the 20th after it.
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const ticks = Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[19]);
    const boot = Number(/^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1]);
    const began = (boot + ticks / TICKS_PER_SECOND) * 1000;
    return Number.isFinite(began) ? began : undefined;
  } catch {
    return undefined;
  }
}

import { begin, chunkOf, claim, finish, phaseAt, phaseOf, STEP_DONE } from "./claim";

export { begin };

/** Works on the step under way until it is done. All threads run it at once; `thread` is 0 for the owner. */
export function step(thread: i32): void {
  while (true) {
    const claimed = claim();
    if (claimed == STEP_DONE) return;
    run(phaseAt(phaseOf(claimed)), chunkOf(claimed));
    finish(claimed);
  }
}

/** Adds one chunk of a residual: descriptor [chunks, address of the sum, address of what is added, floats a chunk (a multiple of 4)]. */
function run(phase: usize, chunk: i32): void {
  const bytes = load<i32>(phase + 12) << 2;
  const sum = <usize>(load<i32>(phase + 4) + chunk * bytes);
  const added = <usize>(load<i32>(phase + 8) + chunk * bytes);
  for (let at: usize = 0; at < <usize>bytes; at += 16) {
    v128.store(sum + at, f32x4.add(v128.load(sum + at), v128.load(added + at)));
  }
}

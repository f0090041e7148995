import { OWNED } from "../kernel-control";
import { begin, chunkOf, claim, finish, phaseAt, phaseOf, STEP_DONE } from "./claim";
import { pause, seed } from "./pause";

/**
 * Work for the test of claims: descriptor [chunks, chunks done, times chunk 0 was done, times chunk 1, …]; the i32 at `OWNED` counts chunks that began
 * before all of an earlier phase was done, the one behind it stays 0.
 */
export { begin, seed };

export function step(): void {
  while (true) {
    const claimed = claim();
    if (claimed == STEP_DONE) return;
    const phase = phaseOf(claimed);
    for (let earlier = 0; earlier < phase; earlier++) {
      const at = phaseAt(earlier);
      if (atomic.load<i32>(at + 4) != load<i32>(at)) atomic.add<i32>(OWNED, 1);
    }
    const at = phaseAt(phase);
    pause(OWNED + 4);
    atomic.add<i32>(at + 8 + (<usize>chunkOf(claimed) << 2), 1);
    atomic.add<i32>(at + 4, 1);
    finish(claimed);
  }
}

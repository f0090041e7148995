/** For the test of claims: a thread stops for a while at places it names, so that others get ahead of it. */

let chance: u32 = 1;

/** Pauses differ by thread; not 0. */
export function seed(value: u32): void {
  chance = value;
}

/** Mostly nothing, sometimes some µs, sometimes a sleep in which the processor is another thread's. `word` is one that nobody wakes. */
export function pause(word: usize): void {
  chance ^= chance << 13;
  chance ^= chance >> 17;
  chance ^= chance << 5;
  const kind = chance & 31;
  if (kind == 0) atomic.wait<i32>(word, 0, <i64>(chance >> 15));
  else if (kind < 6) for (let i: u32 = (chance >> 8) & 4095; i > 0; i--) atomic.load<i32>(word);
}

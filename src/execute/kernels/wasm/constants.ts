/**
 * Vectors that are the same in every kernel, read from memory. Why: V8 13.6 (Node 24) makes a vector written as a constant anew at each use (three
 * instructions for each mask of four bits), and keeps one that was loaded before the loop in a register. All products of a SmolLM2-135M token in 4 bits
 * took 6.6 ms with the constant and 4.2 ms with the load on one thread of a Xeon with VNNI; Node 20 takes 4.5 ms either way.
 */

const NIBBLES = memory.data<u8>([15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15]);

/** The lower four bits of each byte; to be taken before the loop. */
// @ts-ignore: decorator
@inline
export function nibbleMask(): v128 {
  return v128.load(NIBBLES);
}

const HALVES = memory.data<u32>([0x8fffe000, 0x8fffe000, 0x8fffe000, 0x8fffe000]);

/** Sign, and exponent and fraction of a half in the places of f32's; to be taken before the loop. */
// @ts-ignore: decorator
@inline
export function halfMask(): v128 {
  return v128.load(HALVES);
}

const HIGH = memory.data<u32>([0xffff0000, 0xffff0000, 0xffff0000, 0xffff0000]);

/** The higher half of each word; to be taken before the loop. */
// @ts-ignore: decorator
@inline
export function highMask(): v128 {
  return v128.load(HIGH);
}

/**
 * Where the threads of one step meet: byte offsets in the kernels' memory, which starts with these words. Both the kernels (AssemblyScript) and what
 * starts them (TypeScript) read this file, so it holds whole numbers only.
 */

/** u64: step << 40 | phase + 1 << 24 | next chunk of the phase; 0 in place of phase + 1: no step is under way, as in memory that is all zeros. */
export const CLAIM_WORD = 0;
/** i32: chunks of the open phase that are finished. On a cache line of its own, as everything below that threads write. */
export const FINISHED_CHUNKS = 64;
/** i32: threads that sleep until the next phase opens. */
export const PHASE_SLEEPERS = 128;
/** i32: grows with every step; helpers sleep here between steps. */
export const WAKE_COUNT = 192;
/** i32: not 0 once the helpers are to end. */
export const ENDED = 196;
/** i32: not 0 once a thread failed in a step: the others stop waiting for its chunk. */
export const FAILED = 200;
/** i32: phases of the step. Written between steps only. */
export const PHASE_COUNT = 256;
/**
 * i32: address of the first phase's descriptor, whose first i32 is its number of chunks (< 2^24). Written once, as the stride: a late thread may look
 * at a descriptor at any time. Descriptors are written between steps only; chunks of one phase may run in any order and at once.
 */
export const PHASE_TABLE = 260;
/** i32: bytes from one descriptor to the next. */
export const PHASE_STRIDE = 264;

/** i32 each, written between steps. Rows of the step; tokens before each row; each row's page numbers, and bytes from one row's to the next's. */
export const STEP_ROWS = 320;
export const STEP_POSITIONS = 324;
export const STEP_PAGES = 328;
export const STEP_PAGES_STRIDE = 332;
/** i32 each, written once. Room of thread 0, and bytes from one thread's to the next's; floats of scores a head has room for. */
export const THREAD_ROOM = 336;
export const THREAD_ROOM_STRIDE = 340;
export const SCORES_ROOM = 344;
/** i32, written once. Where in a thread's room rows lie that it normed itself. */
export const NORMED_ROOM = 348;

/** Constants of the kernels begin here, which each thread writes anew when it starts. */
export const CONSTANTS = 1024;
/** What lies from here on is the owner's. */
export const OWNED = 65536;

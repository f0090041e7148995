/** What a gate of prompts remembers between iterations. */
export interface GateState {
  /** Number of the iteration since which it counts; -1: it does not count. */
  since: number;
  /** Requests at the front of the queue that it has let through and that found no room yet. */
  passed: number;
  /** Number of the iteration since which each rank has a prompt and they wait for more; -1: they do not. */
  ready: number;
}

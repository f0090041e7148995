/**
 * A 4-ary min-heap of (time, payload) pairs on typed arrays; equal times leave in the order they came.
 *
 * Complexity: push and pop O(log n), no allocation but growth by doubling.
 */
export class TimeHeap<T> {
  #time = new Float64Array(64);
  #sequence = new Float64Array(64);
  #payload: (T | undefined)[] = new Array(64);
  #size = 0;
  #next = 0;

  get size(): number {
    return this.#size;
  }

  peekTime(): number | undefined {
    return this.#size === 0 ? undefined : this.#time[0];
  }

  push(time: number, payload: T): void {
    if (this.#size === this.#time.length) this.#grow();
    let at = this.#size++;
    const sequence = this.#next++;
    while (at > 0) {
      const parent = (at - 1) >> 2;
      const parentTime = this.#time[parent]!;
      if (parentTime < time || (parentTime === time && this.#sequence[parent]! < sequence)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#set(at, time, sequence, payload);
  }

  /** Removes and returns the earliest payload; `undefined` when empty. */
  pop(): T | undefined {
    if (this.#size === 0) return undefined;
    const top = this.#payload[0];
    const last = --this.#size;
    const time = this.#time[last]!;
    const sequence = this.#sequence[last]!;
    const payload = this.#payload[last];
    this.#payload[last] = undefined;
    if (last === 0) return top;
    let at = 0;
    for (;;) {
      const first = at * 4 + 1;
      if (first >= last) break;
      let best = first;
      const end = Math.min(first + 4, last);
      for (let child = first + 1; child < end; child++) if (this.#before(child, best)) best = child;
      const bestTime = this.#time[best]!;
      if (time < bestTime || (time === bestTime && sequence < this.#sequence[best]!)) break;
      this.#move(best, at);
      at = best;
    }
    this.#set(at, time, sequence, payload as T);
    return top;
  }

  #before(a: number, b: number): boolean {
    const ta = this.#time[a]!;
    const tb = this.#time[b]!;
    return ta < tb || (ta === tb && this.#sequence[a]! < this.#sequence[b]!);
  }

  #move(from: number, to: number): void {
    this.#time[to] = this.#time[from]!;
    this.#sequence[to] = this.#sequence[from]!;
    this.#payload[to] = this.#payload[from];
  }

  #set(at: number, time: number, sequence: number, payload: T): void {
    this.#time[at] = time;
    this.#sequence[at] = sequence;
    this.#payload[at] = payload;
  }

  #grow(): void {
    const length = this.#time.length * 2;
    const time = new Float64Array(length);
    time.set(this.#time);
    const sequence = new Float64Array(length);
    sequence.set(this.#sequence);
    this.#time = time;
    this.#sequence = sequence;
    this.#payload.length = length;
  }
}

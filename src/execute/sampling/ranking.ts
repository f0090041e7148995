/** Ids of the `k` largest of `values`, largest first, ties by id. Complexity: n log k. */
export function largest(values: Float32Array, k: number): Int32Array {
  const size = Math.min(k, values.length);
  const heap = new Int32Array(size);
  if (size === 0) return heap;
  // A min-heap whose root is the worst of the best: lower value, or equal and a higher id.
  const worse = (a: number, b: number): boolean => values[a]! < values[b]! || (values[a]! === values[b]! && a > b);
  for (let i = 0; i < size; i++) heap[i] = i;
  for (let i = (size >> 1) - 1; i >= 0; i--) sink(heap, i, worse);
  for (let id = size; id < values.length; id++) {
    if (values[id]! <= values[heap[0]!]!) continue;
    heap[0] = id;
    sink(heap, 0, worse);
  }
  return heap.sort((a, b) => values[b]! - values[a]! || a - b);
}

function sink(heap: Int32Array, from: number, worse: (a: number, b: number) => boolean): void {
  let at = from;
  for (;;) {
    const left = 2 * at + 1;
    if (left >= heap.length) return;
    const right = left + 1;
    const child = right < heap.length && worse(heap[right]!, heap[left]!) ? right : left;
    if (!worse(heap[child]!, heap[at]!)) return;
    const swapped = heap[at]!;
    heap[at] = heap[child]!;
    heap[child] = swapped;
    at = child;
  }
}

/** Id of the largest value; the lowest id of equal ones. */
export function argmax(values: Float32Array): number {
  let best = 0;
  for (let id = 1; id < values.length; id++) if (values[id]! > values[best]!) best = id;
  return best;
}

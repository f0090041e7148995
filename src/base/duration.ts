/** A duration for people: `850 ns`, `12.3 µs`, `4.56 ms`, `1.20 s`. */
export function formatNs(ns: number): string {
  const magnitude = Math.abs(ns);
  if (magnitude < 1e3) return `${Math.round(ns)} ns`;
  if (magnitude < 1e6) return `${(ns / 1e3).toPrecision(3)} µs`;
  if (magnitude < 1e9) return `${(ns / 1e6).toPrecision(3)} ms`;
  return `${(ns / 1e9).toPrecision(3)} s`;
}

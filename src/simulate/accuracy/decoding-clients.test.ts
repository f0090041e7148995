/** Goal: decode workers have as many sequences as prefill can feed. Method: stations whose figures are computed by hand. */
import { expect, test } from "vitest";
import { decodingClients, type TwoStations } from "./decoding-clients.ts";

/** A sequence takes 1,000 ns and 10 ns more for each beside it; a prompt takes 50 ns. */
const FAST: TwoStations = { clients: 100, promptsPerNs: 1, promptNs: 50, decodeNs: (n) => 1000 + 10 * n };

test("where prefill keeps up, all decode but those whose prompts are computed", () => {
  // n + 50 n / (1,000 + 10 n) <= 100: 97 + 2.46, but 98 + 2.47.
  expect(decodingClients(FAST)).toBe(97);
  expect(decodingClients({ ...FAST, promptNs: 0 })).toBe(100);
});

test("where it does not, as many as it feeds, however many clients wait", () => {
  // n / (1,000 + 10 n) <= 0.02: n <= 25.
  for (const clients of [30, 100, 100_000]) expect(decodingClients({ ...FAST, clients, promptsPerNs: 0.02, promptNs: 50 })).toBe(25);
  expect(decodingClients({ ...FAST, promptsPerNs: 1e-9 })).toBe(1);
  expect(decodingClients({ ...FAST, clients: 0.5 })).toBe(1);
});

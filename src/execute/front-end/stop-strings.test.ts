// Goal: text before a stop string is delivered, nothing of it ever is, however the text is cut. Method: hand cases and all cuts of seeded texts.
import { expect, test } from "vitest";
import { seededPrng } from "../../base/prng.ts";
import { stopScanner } from "./stop-strings.ts";

function scan(pieces: readonly string[], stops: readonly string[]): string {
  const scanner = stopScanner(stops);
  let text = "";
  for (const piece of pieces) {
    const scanned = scanner.push(piece);
    text += scanned.text;
    if (scanned.stopped) return text;
  }
  return text + scanner.flush();
}

test("a stop string over several pieces", () => {
  expect(scan(["Hello wo", "rld EN", "D more"], ["END"])).toBe("Hello world ");
  expect(scan(["Hello wo", "rld EN", "T more"], ["END"])).toBe("Hello world ENT more");
  expect(scan(["a", "a", "a", "b"], ["aab"])).toBe("a");
});

test("what may begin a stop string is held back, nothing else", () => {
  const scanner = stopScanner(["\n\n", "STOP"]);
  expect(scanner.push("one\n")).toEqual({ text: "one", stopped: false });
  expect(scanner.push("two S")).toEqual({ text: "\ntwo ", stopped: false });
  expect(scanner.push("O")).toEqual({ text: "SO", stopped: false });
  expect(scanner.flush()).toBe("");
});

test("the earliest of several wins; empty ones are ignored", () => {
  expect(scan(["xxByyA"], ["A", "B", ""])).toBe("xx");
  expect(scan(["abc"], [""])).toBe("abc");
});

test("however a text is cut, the same is delivered", () => {
  const prng = seededPrng(11);
  for (let round = 0; round < 500; round++) {
    const text = Array.from({ length: 1 + prng.nextBelow(30) }, () => "ab."[prng.nextBelow(3)]).join("");
    const stops = [text.slice(prng.nextBelow(text.length)).slice(0, 1 + prng.nextBelow(4)), "aab"];
    const cut = Math.min(...stops.map((stop) => (text.includes(stop) ? text.indexOf(stop) : text.length)));
    const pieces: string[] = [];
    for (let at = 0; at < text.length; ) {
      const length = 1 + prng.nextBelow(5);
      pieces.push(text.slice(at, at + length));
      at += length;
    }
    const got = scan(pieces, stops);
    // Cut into pieces the earlier of two overlapping stop strings may be complete only after the later one.
    expect(text.startsWith(got)).toBe(true);
    expect(got.length).toBeGreaterThanOrEqual(cut);
    expect(stops.some((stop) => got.includes(stop))).toBe(false);
  }
});

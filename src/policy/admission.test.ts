// Goal: every reason to turn a request away, and their order. Method: one view, one change each.
import { expect, it } from "vitest";
import { type AdmissionView, admissionRefusal } from "./admission.ts";

const VIEW: AdmissionView = { draining: false, totalTokens: 100, longestTokens: 200, queued: 0, queueLimit: 2, room: false };

it("takes a request while its queue has room, and says why not", () => {
  expect(admissionRefusal(VIEW)).toBeUndefined();
  expect(admissionRefusal({ ...VIEW, queued: 1 })).toBeUndefined();
  expect(admissionRefusal({ ...VIEW, queued: 2 })).toBe("queue-full");
  expect(admissionRefusal({ ...VIEW, totalTokens: 201 })).toBe("prompt-too-long");
  expect(admissionRefusal({ ...VIEW, longestTokens: undefined })).toBe("host-lost");
  expect(admissionRefusal({ ...VIEW, draining: true, queued: 9 })).toBe("draining");
});

it("lets a request straight through to a replica with room, also without a queue", () => {
  expect(admissionRefusal({ ...VIEW, queueLimit: 0, room: true })).toBeUndefined();
  expect(admissionRefusal({ ...VIEW, queueLimit: 0 })).toBe("queue-full");
});

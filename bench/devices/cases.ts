import { embeddings } from "./cases/embeddings.ts";
import { recurrent } from "./cases/recurrent.ts";
import { speech } from "./cases/speech.ts";
import { tiny } from "./cases/tiny.ts";
import { weak } from "./cases/weak.ts";
import type { DeviceCase } from "./device-case.ts";

export const CASES: readonly DeviceCase[] = [embeddings, speech, recurrent, tiny, weak];

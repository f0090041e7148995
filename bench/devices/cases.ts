import { embeddings } from "./cases/embeddings.ts";
import { files } from "./cases/files.ts";
import { library } from "./cases/library.ts";
import { meeting } from "./cases/meeting.ts";
import { speech } from "./cases/speech.ts";
import { tiny } from "./cases/tiny.ts";
import { weak } from "./cases/weak.ts";
import type { DeviceCase } from "./device-case.ts";

export const CASES: readonly DeviceCase[] = [meeting, files, library, tiny, weak, speech, embeddings];

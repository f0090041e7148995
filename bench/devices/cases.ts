import { embeddings } from "./cases/embeddings.ts";
import { files } from "./cases/files.ts";
import { meeting } from "./cases/meeting.ts";
import { speech } from "./cases/speech.ts";
import { talk } from "./cases/talk.ts";
import { tiny } from "./cases/tiny.ts";
import { weak } from "./cases/weak.ts";
import type { DeviceCase } from "./device-case.ts";

export const CASES: readonly DeviceCase[] = [talk, meeting, files, embeddings, speech, tiny, weak];

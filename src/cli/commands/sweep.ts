import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { parseVary, type Vary } from "../../simulate/sweep/sweep-grid.ts";
import { measureAtOption, objectiveOption, operatorsOption } from "../deployment/run-options.ts";
import { wholeNumber } from "../serving-options.ts";
import { lazyAction } from "./lazy-action.ts";

const SEED_MAX = 4_294_967_295;
const THREADS_MAX = 1024;
const HELP = `
Every combination of the values is simulated once, on all cores. What is varied: fields of the deployment (pools go by number or name), figures of its
devices (a value, or a factor such as x2), factors on the workload (rate, length, prompt, output), and seed. Results go to Parquet or CSV by the file's
ending. Rows are kept in a journal as they come: after an interrupt or a crash the same command goes on where it was. A point that cannot be is a row with
its error; the exit status is 0 where any point could be simulated and 4 (sweep-empty) where none could.

With --nats the points are laid into a queue of a NATS server with JetStream, and workers on any host run them (heddle sweep --worker --nats URL). A
worker reads the workload by the same name. A point whose worker dies goes to another one, and counts once.

Examples:
  heddle sweep fleet.yaml --workload trace.jsonl --vary pools.0.replicas=1,2,4 --vary workload.rate=0.5,1,2 --slo ttft=1s,tpot=50ms
  heddle sweep fleet.yaml --workload trace.jsonl --vary sheet.h200-sxm.memory.bandwidthBytesPerSecond=x1,x1.5,x2 --out bandwidth.csv`;

/** Adds `heddle sweep`. */
export function addSweepCommand(program: Command): void {
  program
    .command("sweep")
    .description("Simulate a deployment over a grid of its fields, its devices' figures and its workload.")
    .argument("[deployment]", "deployment file")
    .option("--vary <path=values>", "a field and the values it takes, such as pools.0.replicas=1,2,4; repeatable", collectVary, [])
    .option("--workload <workload>", "file or generated workload, as of `heddle simulate`")
    .option("--lengths <file>", "workload file whose pairs of lengths a generated workload draws")
    .option("--tokenizer <file>", "tokenizer.json that counts the tokens of workload files of texts")
    .option("--images <law>", "images for requests of a workload that has none, such as count=1-4,sizes=640x640:1920x1080,distinct=50")
    .option(
      "--adapters <law>",
      "adapters (LoRA) for requests of a workload that has none, such as count=200,popularity=zipf:1.1,ranks=16:64",
    )
    .option("--slo <limits>", "limits that requests must keep, such as ttft=500ms,tpot=40ms", objectiveOption)
    .addOption(operatorsOption())
    .addOption(measureAtOption())
    .option("--seed <n>", "seed of the routing and of losses of replicas", wholeNumber(0, SEED_MAX), 1)
    .option("--out <file>", "where results go, .parquet or .csv", "sweep.parquet")
    .option("--journal <file>", "where rows are kept meanwhile (default: the results' name with .journal)")
    .option("--threads <n>", "simulations at once", wholeNumber(1, THREADS_MAX), availableParallelism())
    .option("--nats <url>", "queue between hosts, such as nats://10.0.0.5:4222")
    .option("--worker", "run points of the sweeps of --nats until interrupted")
    .option("--once", "with --worker: end when no sweep has points left")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(lazyAction(async () => (await import("../sweep.ts")).sweep));
}

function collectVary(text: string, all: readonly Vary[]): readonly Vary[] {
  return [...all, parseVary(text)];
}

/** One row of the error table: what happened, the exit status of the CLI, the HTTP status of the edge, and what to do. */
export interface ErrorRow {
  readonly message: string;
  readonly exit: number;
  readonly http: number;
  readonly todo: string;
}

/**
 * Every error a user can meet. `docs/errors.md` lists the same rows (a test holds the two equal).
 * Exit statuses: 2 bad usage or input file, 3 something needed is missing, 4 it cannot be done on this rack, 5 a running part failed,
 * 130 interrupted.
 */
export const ERROR_CODES = {
  usage: { message: "the command line is not understood", exit: 2, http: 400, todo: "see `heddle <command> --help`" },
  "file-unreadable": { message: "a file cannot be read", exit: 2, http: 400, todo: "check the path and its permissions" },
  "file-unwritable": {
    message: "a file cannot be written",
    exit: 2,
    http: 500,
    todo: "check the path, its permissions and the free space",
  },
  "gguf-invalid": {
    message: "the GGUF file is damaged or not a GGUF file",
    exit: 2,
    http: 400,
    todo: "download it again; `heddle model pull` checks its sum",
  },
  "gguf-unsupported": {
    message: "the GGUF file uses something heddle does not read",
    exit: 2,
    http: 400,
    todo: "the detail names the field; README, Limits, lists what is read",
  },
  "safetensors-invalid": { message: "the safetensors file is damaged", exit: 2, http: 400, todo: "download it again" },
  "onnx-invalid": {
    message: "the ONNX file is damaged or not an ONNX file",
    exit: 2,
    http: 400,
    todo: "the detail says where; download it again",
  },
  "onnx-unsupported": {
    message: "the ONNX file uses something heddle does not read",
    exit: 2,
    http: 400,
    todo: "the detail names it; export the model again with another setting",
  },
  "torch-export-invalid": {
    message: "the .pt2 archive is damaged or contradicts itself",
    exit: 2,
    http: 400,
    todo: "the detail says where; write it again with torch.export.save",
  },
  "torch-export-unsupported": {
    message: "the .pt2 archive uses something heddle does not read",
    exit: 2,
    http: 400,
    todo: "the detail names it; README, Limits, lists what is read",
  },
  "chakra-invalid": {
    message: "the Chakra trace is damaged or its nodes depend on one another in a circle",
    exit: 2,
    http: 400,
    todo: "the detail says where; write the trace again",
  },
  "chakra-unsupported": {
    message: "the Chakra trace is of a form heddle does not read",
    exit: 2,
    http: 400,
    todo: "the detail names it; README, Limits, lists what is read",
  },
  "model-config-invalid": {
    message: "config.json does not describe a usable model",
    exit: 2,
    http: 400,
    todo: "the detail names the field",
  },
  "model-unsupported": {
    message: "the model is of a family heddle does not run yet",
    exit: 2,
    http: 400,
    todo: "README, Limits, lists the families",
  },
  "architecture-unknown": {
    message: "heddle does not know the layers of this model",
    exit: 2,
    http: 400,
    todo: "`heddle inspect --help` lists the families; the detail names the field",
  },
  "model-weights-missing": {
    message: "a tensor the model needs is not in its files",
    exit: 2,
    http: 400,
    todo: "the detail names the tensor; download the model again",
  },
  "tokenizer-unsupported": {
    message: "the model's tokenizer is of a kind heddle does not run",
    exit: 2,
    http: 400,
    todo: "the detail names the kind",
  },
  "model-not-found": {
    message: "the model was found in no source",
    exit: 3,
    http: 404,
    todo: "the detail lists what was tried; give a path or a URL",
  },
  "checksum-mismatch": {
    message: "a downloaded file does not have the expected checksum",
    exit: 3,
    http: 502,
    todo: "try again; a proxy may have altered it",
  },
  "device-unknown": {
    message: "the catalogue has no such device",
    exit: 2,
    http: 400,
    todo: "`heddle rack catalog` lists the devices; one of your own is a device sheet of ten lines",
  },
  "link-unknown": { message: "the catalogue has no such link", exit: 2, http: 400, todo: "`heddle rack catalog` lists the links" },
  "device-sheet-invalid": {
    message: "the device sheet is not valid",
    exit: 2,
    http: 400,
    todo: "the detail names line and field; `heddle rack catalog <id> --yaml` prints a valid one",
  },
  "figure-missing": {
    message: "a figure that is needed is not known of a device",
    exit: 2,
    http: 400,
    todo: "give it in a device sheet, with its source",
  },
  "fabric-invalid": {
    message: "the fabric file is not valid",
    exit: 2,
    http: 400,
    todo: "the detail names line and field; `examples/fabrics` holds valid ones: `two-jobs.yaml` with jobs, for `rack collectives`; `cluster.yaml` for `--fabric`",
  },
  "training-invalid": {
    message: "the training run cannot be cut as written",
    exit: 2,
    http: 400,
    todo: "the detail names the field and what does not divide",
  },
  "rack-invalid": {
    message: "the rack file is not valid",
    exit: 2,
    http: 400,
    todo: "the detail names line and field; `heddle rack discover` writes a valid one",
  },
  "plan-invalid": {
    message: "the plan file is not valid",
    exit: 2,
    http: 400,
    todo: "the detail names the field; `heddle plan` writes a valid one",
  },
  "deployment-invalid": {
    message: "the deployment file is not valid",
    exit: 2,
    http: 400,
    todo: "the detail names line and field; `examples/deployments` holds valid ones",
  },
  "fleet-invalid": {
    message: "the fleet file is not valid",
    exit: 2,
    http: 400,
    todo: "the detail names the field; `heddle import` writes a valid one",
  },
  "workload-invalid": {
    message: "the workload is not valid",
    exit: 2,
    http: 400,
    todo: "the detail names line and field; see `heddle simulate --help`",
  },
  "measurements-invalid": {
    message: "the file of measurements is damaged or not of the form it should have",
    exit: 2,
    http: 400,
    todo: "the detail names line and column; what `heddle calibrate --kit torch` writes measures a valid one",
  },
  "ledger-invalid": {
    message: "the ledger file is damaged or of another version",
    exit: 2,
    http: 400,
    todo: "the detail says where; a run that was killed keeps all whole records",
  },
  "replay-diverged": {
    message: "a replay of the ledger does not give the recorded commands",
    exit: 5,
    http: 500,
    todo: "the detail names the first event that differs; if version, policy and file are those of the run, report it",
  },
  "pin-impossible": {
    message: "a pinned choice cannot be kept",
    exit: 2,
    http: 400,
    todo: "the detail names the pin and what would be possible",
  },
  "no-basis": {
    message: "there is no basis for a price",
    exit: 4,
    http: 422,
    todo: "the detail names what is missing; measure it, import a table, or add the figure to the device's sheet",
  },
  "cut-invalid": {
    message: "a model cannot be cut over devices so",
    exit: 2,
    http: 400,
    todo: "the detail names the number that does not divide; choose degrees of parallelism that do",
  },
  "journal-other": {
    message: "the journal is not of this sweep",
    exit: 2,
    http: 400,
    todo: "name another journal or output, or delete it to begin anew",
  },
  "sweep-empty": {
    message: "no point of the sweep could be simulated",
    exit: 4,
    http: 422,
    todo: "the detail names the first point's error, the results those of all points; correct the deployment or what is varied",
  },
  "queue-lost": {
    message: "the queue of a sweep over several hosts cannot be reached",
    exit: 5,
    http: 503,
    todo: "check that nats-server runs with JetStream (-js) at the address; what is done is in the journal",
  },
  "slo-unmet": {
    message: "no fleet on offer keeps the latency target",
    exit: 4,
    http: 503,
    todo: "the detail says what stands in the way; offer more or other devices, a larger budget or a looser target",
  },
  "emit-inexpressible": {
    message: "the deployment holds something that the target has no word for",
    exit: 4,
    http: 400,
    todo: "the detail names pool and field; change it, say what is missing, or write for another target",
  },
  "emit-invalid": {
    message: "what was written does not hold against the target's own options",
    exit: 5,
    http: 500,
    todo: "the detail names the argument; the target is of a version that heddle does not write for",
  },
  "does-not-fit": {
    message: "weights and reserve leave no room for keys and values",
    exit: 4,
    http: 503,
    todo: "the detail says by how much; use more devices, narrower formats or fewer tokens an iteration",
  },
  "plan-no-capacity": {
    message: "the model does not fit the rack",
    exit: 4,
    http: 503,
    todo: "the detail gives needed and available bytes per device",
  },
  "driver-missing": {
    message: "a plan needs a driver that is not installed",
    exit: 3,
    http: 503,
    todo: "the detail says which package to install",
  },
  "device-missing": {
    message: "nothing of the rack has that name",
    exit: 2,
    http: 400,
    todo: "the detail lists the names there are",
  },
  "gang-impossible": {
    message: "it cannot be split over so many devices",
    exit: 4,
    http: 503,
    todo: "the detail says what does not divide, or which devices are alike; ask for fewer",
  },
  "stage-unsupported": {
    message: "a device cannot run an operator",
    exit: 4,
    http: 503,
    todo: "the detail names operator, reason and the devices that could; `heddle rack discover --model` lists what each device refuses",
  },
  "input-invalid": {
    message: "a graph was given inputs it does not take",
    exit: 2,
    http: 400,
    todo: "the detail names the input, what it wants and what it got",
  },
  capacity: {
    message: "a memory has no room",
    exit: 4,
    http: 503,
    todo: "the detail gives needed and available bytes; use smaller inputs, or a device with more memory",
  },
  "graph-invalid": {
    message: "the graph is not one that can be run",
    exit: 2,
    http: 400,
    todo: "the detail names the operator or tensor",
  },
  "device-failed": { message: "a device failed while working", exit: 5, http: 500, todo: "the detail holds the driver's message" },
  "host-lost": {
    message: "a replica host ended unexpectedly and could not be replaced",
    exit: 5,
    http: 503,
    todo: "see the host's log in the detail",
  },
  "server-refused": {
    message: "the server that is to be measured does not answer as an OpenAI-compatible one",
    exit: 5,
    http: 502,
    todo: "check the address, the model and the key; the detail has the server's answer",
  },
  "worker-refused": {
    message: "a worker does not take this front end",
    exit: 3,
    http: 503,
    todo: "the detail says why: give the worker's token file, the same version of heddle, or wait until its device is free",
  },
  "machine-busy": {
    message: "another process measures this machine, and two at once would each measure half of it",
    exit: 3,
    http: 503,
    todo: "wait until it has ended, or end it, then try again",
  },
  "port-in-use": {
    message: "the address to listen on is taken",
    exit: 3,
    http: 500,
    todo: "choose another with --port, or 0 for a free one",
  },
  "insecure-bind": {
    message: "listening beyond loopback needs a secret",
    exit: 2,
    http: 500,
    todo: "give --api-key-file (`serve`, `up`) or --token-file (`worker`), or listen on 127.0.0.1",
  },
  "request-invalid": { message: "the request body is not valid", exit: 2, http: 400, todo: "the detail names the field" },
  "request-too-large": { message: "the request body is over the limit", exit: 2, http: 413, todo: "shorten it, or raise --max-body-bytes" },
  "request-unsupported": {
    message: "the request asks for something heddle does not do",
    exit: 2,
    http: 400,
    todo: "the detail names the field; README, Limits",
  },
  "prompt-too-long": {
    message: "prompt and output do not fit the context",
    exit: 2,
    http: 400,
    todo: "shorten the prompt or lower max_tokens",
  },
  "model-unknown": { message: "no model of that name is served here", exit: 2, http: 404, todo: "GET /v1/models lists the names" },
  unauthorized: { message: "the API key is missing or wrong", exit: 2, http: 401, todo: "send `Authorization: Bearer <key>`" },
  "queue-full": { message: "the queue is full", exit: 5, http: 429, todo: "try again later" },
  draining: { message: "the server is shutting down", exit: 5, http: 503, todo: "try again on another server" },
  "not-found": { message: "there is nothing at that path", exit: 2, http: 404, todo: "README lists the paths" },
  cancelled: { message: "the request was cancelled", exit: 130, http: 499, todo: "nothing" },
  interrupted: { message: "interrupted", exit: 130, http: 503, todo: "run it again; finished parts are kept" },
  internal: { message: "heddle made a mistake", exit: 70, http: 500, todo: "report it with the ledger and the message" },
} as const satisfies Record<string, ErrorRow>;

/** A code of the table. */
export type ErrorCode = keyof typeof ERROR_CODES;

import { toHeddleError } from "../../../base/heddle-error.ts";
import type { OpenDevice } from "../../device/device-driver.ts";
import { drawn } from "../cases/case-tensors.ts";
import { type Finding, guarded } from "../finding.ts";
import { runOnce, type Subject, withStage } from "../subject.ts";
import type { Sample } from "./samples.ts";

const ROUNDS = 40;
const MEBIBYTE = 1_048_576;
const FLOAT_BYTES = 4;
/** Memory of the device that is to be overfilled, and what is put into it. */
const LIMIT_BYTES = MEBIBYTE;
const PIECE_BYTES = 400_000;

/** A memory limit holds, what is held is counted, and nothing is left after a stage is used and released. */
export async function checkMemory(subject: Subject, samples: readonly Sample[]): Promise<readonly Finding[]> {
  const { device } = subject;
  return [
    ...(await guarded("memory", "limit", async () => [await checkLimit(subject)])),
    ...(await guarded("memory", "counting", async () => [await checkCounting(device)])),
    ...(await guarded("memory", "leaks", () => checkLeaks(device, samples))),
  ];
}

async function checkLimit({ reopen }: Subject): Promise<Finding> {
  const finding = (verdict: Finding["verdict"], detail: string): Finding => ({ check: "memory", name: "limit", verdict, detail });
  const small = await reopen(LIMIT_BYTES);
  try {
    const held = [];
    for (let put = 0; put * PIECE_BYTES < LIMIT_BYTES * 4; put++) {
      try {
        held.push(await small.upload(drawn("piece", [PIECE_BYTES / FLOAT_BYTES])));
      } catch (thrown) {
        const { code } = toHeddleError(thrown);
        if (code !== "capacity") return finding("fail", `a full memory answers ${code}, not capacity`);
        const { heldBytes } = small.telemetry();
        if (heldBytes > LIMIT_BYTES) return finding("fail", `${heldBytes} bytes are held, ${LIMIT_BYTES} are allowed`);
        return await roomAgain(small, held, finding);
      }
    }
    return finding("fail", `${held.length * PIECE_BYTES} bytes were put into a memory of ${LIMIT_BYTES}`);
  } finally {
    await small.close();
  }
}

async function roomAgain(
  small: OpenDevice,
  held: readonly Parameters<OpenDevice["free"]>[0][],
  finding: (verdict: Finding["verdict"], detail: string) => Finding,
): Promise<Finding> {
  for (const tensor of held) small.free(tensor);
  try {
    small.free(await small.upload(drawn("piece", [PIECE_BYTES / FLOAT_BYTES])));
  } catch (thrown) {
    return finding("fail", `after everything was freed there is no room: ${toHeddleError(thrown).message}`);
  }
  return finding(
    "pass",
    `${held.length} tensors of ${PIECE_BYTES} bytes fitted into ${LIMIT_BYTES}, the next one was refused, and after they were freed one fitted again`,
  );
}

async function checkCounting(device: OpenDevice): Promise<Finding> {
  const before = device.telemetry().heldBytes;
  const tensor = await device.upload(drawn("piece", [PIECE_BYTES / FLOAT_BYTES]));
  const grown = device.telemetry().heldBytes - before;
  device.free(tensor);
  const left = device.telemetry().heldBytes - before;
  const isRight = grown >= PIECE_BYTES && left === 0;
  const detail = `a tensor of ${PIECE_BYTES} bytes made heldBytes grow by ${grown}, and freeing it left ${left}`;
  return { check: "memory", name: "counting", verdict: isRight ? "pass" : "fail", detail };
}

async function checkLeaks(device: OpenDevice, samples: readonly Sample[]): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const { name, stage, inputs } of samples.slice(0, 2)) {
    if (stage.operators.some((id) => !device.supports(stage.graph, id).ok)) continue;
    const before = device.telemetry().heldBytes;
    for (let round = 0; round < ROUNDS; round++) {
      await withStage(device, stage, { inputs, use: (resident) => runOnce(device, resident, inputs) });
    }
    const left = device.telemetry().heldBytes - before;
    const detail = `after ${ROUNDS} rounds of load, run, free and release ${left} bytes more are held`;
    findings.push({ check: "memory", name: `leaks, ${name}`, verdict: left === 0 ? "pass" : "fail", detail });
  }
  return findings;
}

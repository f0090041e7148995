/**
 * Fetches SwiftShader and a Vulkan loader from the Debian registry, 32 MB to download, and prints how a process finds them. Libraries that are
 * installed or were fetched before are taken instead, with `--fetch` only the latter. Tests do the same before they start.
 */
import { softwareGpu, softwareGpuEnvironment } from "./software-gpu.ts";

const gpu = softwareGpu(process.env, { installed: !process.argv.includes("--fetch") });
if ("absent" in gpu) {
  process.stdout.write(`no software GPU: ${gpu.absent}\n`);
  process.exitCode = 3;
} else {
  const entries = Object.entries(softwareGpuEnvironment(gpu.folder, process.env));
  process.stdout.write(`${entries.map(([name, value]) => `export ${name}=${value}`).join("\n")}\n`);
}

/**
 * Before tests start: a GPU in software for those that need one. Test files run in child processes of this one and inherit what is set here; the
 * loader of libraries reads it only when a process begins.
 */
import { softwareGpu, softwareGpuEnvironment } from "../../scripts/software-gpu.ts";

export function setup(): void {
  // Whoever names a driver wants that one.
  if (process.env["VK_ICD_FILENAMES"] !== undefined) return;
  const gpu = softwareGpu(process.env);
  if ("absent" in gpu) process.env["HEDDLE_NO_GPU"] = gpu.absent;
  else Object.assign(process.env, softwareGpuEnvironment(gpu.folder, process.env));
}

import { err, ok, type Result } from "../../../base/result.ts";

type Library = typeof import("node-llama-cpp");

export interface LlamaPackage {
  readonly library: Library;
  readonly version: string;
}

/** The package that brings llama.cpp, or what to install. */
export async function loadLlamaPackage(): Promise<Result<LlamaPackage, string>> {
  try {
    const library = await import("node-llama-cpp");
    return ok({ library, version: await library.getModuleVersion() });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return err(`the package node-llama-cpp cannot be loaded (${reason}); run npm install node-llama-cpp`);
  }
}

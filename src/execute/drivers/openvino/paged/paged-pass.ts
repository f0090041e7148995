import { basename, dirname, join } from "node:path";
import { err, ok, type Result } from "../../../../base/result.ts";
import type { Pointer } from "../native-handle.ts";

/**
 * OpenVINO's pass that makes paged attention of a graph with states, which the C API does not have: its constructor and its one method, as C++ names
 * them. The names hold the types of what they take, so a library in which these differ has none of these names; and what the C API gives for a model
 * is the shared pointer that the method takes. Source: openvino/pass/sdpa_to_paged_attention.hpp and the C API's common.h, 2026.4.
 */
const CONSTRUCT = "_ZN2ov4pass20SDPAToPagedAttentionC1Ebbbbbbb";
const RUN = "_ZN2ov4pass20SDPAToPagedAttention12run_on_modelERKSt10shared_ptrINS_5ModelEE";

/** More than any pass takes: of 2026.4, well below 1 KiB. It is not freed: one a thread, and it holds next to nothing. Units: bytes. */
const PASS_BYTES = 16_384;

/** Changes a model's states to paged caches; false where the pass changed nothing. */
export type PagedPass = (model: Pointer) => boolean;

/** The pass from the library beside that of the C API; what is missing where it is not there. */
export async function findPagedPass(apiLibrary: string): Promise<Result<PagedPass, string>> {
  const path = join(dirname(apiLibrary), basename(apiLibrary).replace("openvino_c", "openvino"));
  try {
    const koffi = await import("koffi");
    const library = koffi.load(path);
    const construct = library.func(CONSTRUCT, "void", ["void *", ...new Array<string>(7).fill("bool")]);
    const run = library.func(RUN, "bool", ["void *", "void *"]);
    let pass: Uint8Array | undefined;
    return ok((model) => {
      if (pass === undefined) {
        pass = new Uint8Array(PASS_BYTES);
        construct(pass, ...new Array<boolean>(7).fill(false));
      }
      return run(pass, model) as boolean;
    });
  } catch (error) {
    return err(`${path} has no pass for paged attention that heddle knows (${error instanceof Error ? error.message : String(error)})`);
  }
}

import { err, ok, type Result } from "../../../base/result.ts";
import type { Pointer } from "./native-handle.ts";

type Koffi = typeof import("koffi");
/** A type of the package: its name, or what its functions make. */
type Spec = string | import("koffi").TypeObject | ReturnType<Koffi["out"]>;
/** Where a function of the library writes a pointer, a string, a number or a struct it makes. */
export type Out<T> = [T];
type Status = number;

/** A shape as the library takes it: by value, its sizes read during the call only. */
export interface NativeShape {
  readonly rank: number;
  readonly dims: BigInt64Array;
}

/** The functions of OpenVINO's C API (openvino/c/*.h) that heddle calls; a status other than 0 is a failure. */
export interface OpenvinoApi {
  readonly coreCreate: (core: Out<Pointer | null>) => Status;
  readonly coreFree: (core: Pointer) => void;
  readonly version: (version: { buildNumber?: string }) => Status;
  readonly availableDevices: (core: Pointer, devices: { devices?: Pointer; size?: number }) => Status;
  readonly availableDevicesFree: (devices: object) => void;
  readonly coreGetProperty: (core: Pointer, device: string, key: string, value: Out<Pointer | null>) => Status;
  readonly freeText: (text: Pointer) => void;
  readonly readModel: (core: Pointer, text: Uint8Array, size: number, weights: Pointer | null, model: Out<Pointer | null>) => Status;
  readonly modelFree: (model: Pointer) => void;
  readonly compile: Native;
  /** Properties of a device, which an imported graph is given; pairs of names and values follow. */
  readonly coreSetProperty: (core: Pointer, device: string, ...pairs: readonly string[]) => Status;
  readonly exportModel: (compiled: Pointer, path: string) => Status;
  readonly importModel: (core: Pointer, blob: Uint8Array, size: number, device: string, compiled: Out<Pointer | null>) => Status;
  readonly compiledFree: (compiled: Pointer) => void;
  readonly inputs: (compiled: Pointer, count: Out<number>) => Status;
  readonly outputs: (compiled: Pointer, count: Out<number>) => Status;
  readonly inputPort: (compiled: Pointer, index: number, port: Out<Pointer | null>) => Status;
  readonly outputPort: (compiled: Pointer, index: number, port: Out<Pointer | null>) => Status;
  readonly portName: (port: Pointer, name: Out<Pointer | null>) => Status;
  readonly portType: (port: Pointer, type: Out<number>) => Status;
  readonly portFree: (port: Pointer) => void;
  readonly request: (compiled: Pointer, request: Out<Pointer | null>) => Status;
  readonly requestFree: (request: Pointer) => void;
  readonly infer: Native;
  readonly setInput: (request: Pointer, index: number, tensor: Pointer) => Status;
  readonly getOutput: (request: Pointer, index: number, tensor: Out<Pointer | null>) => Status;
  readonly tensorOf: (type: number, shape: NativeShape, data: unknown, tensor: Out<Pointer | null>) => Status;
  readonly tensorShape: (tensor: Pointer, shape: { rank?: number; dims?: Pointer }) => Status;
  readonly shapeFree: (shape: object) => Status;
  readonly tensorType: (tensor: Pointer, type: Out<number>) => Status;
  readonly tensorElements: (tensor: Pointer, elements: Out<number>) => Status;
  readonly tensorBytes: (tensor: Pointer, bytes: Out<number>) => Status;
  readonly tensorData: (tensor: Pointer, data: Out<Pointer | null>) => Status;
  readonly tensorFree: (tensor: Pointer) => void;
  readonly lastError: () => string | null;
  /** Address of the bytes of an array, which the collector does not move while the array is referred to. */
  readonly addressOf: (data: ArrayBufferView) => bigint;
  /** Memory of the library as a buffer; only as long as what it belongs to. */
  readonly view: (data: Pointer, bytes: number) => ArrayBuffer;
  readonly textAt: (text: Pointer) => string;
  readonly pointersAt: (list: Pointer, count: number) => readonly Pointer[];
}

interface Native {
  (...values: unknown[]): Status;
  readonly async: (...values: unknown[]) => void;
}

/** Loads OpenVINO's C library with `koffi`; what went wrong where it cannot be loaded. */
export async function loadApi(library: string): Promise<Result<OpenvinoApi, string>> {
  let koffi: Koffi;
  try {
    koffi = await import("koffi");
  } catch (error) {
    return err(`the package koffi cannot be loaded (${reasonOf(error)}); run npm install koffi`);
  }
  try {
    return ok(bind(koffi, library));
  } catch (error) {
    return err(`${library} cannot be loaded (${reasonOf(error)})`);
  }
}

function bind(koffi: Koffi, path: string): OpenvinoApi {
  const library = koffi.load(path);
  const shape = koffi.struct({ rank: "int64_t", dims: "int64_t *" });
  const version = koffi.struct({ buildNumber: "const char *", description: "const char *" });
  const devices = koffi.struct({ devices: "void *", size: "size_t" });
  const made = koffi.struct({ rank: "int64_t", dims: "void *" });
  const out = (type: Spec): Spec => koffi.out(koffi.pointer(type as string));
  const given = (type: Spec): Spec => koffi.pointer(type as string);
  const pointer = "void *";
  const status = (name: string, ...values: Spec[]) => library.func(name, "int", values);
  const frees = (name: string) => library.func(name, "void", [pointer]);
  return {
    coreCreate: status("ov_core_create", out(pointer)),
    coreFree: frees("ov_core_free"),
    version: status("ov_get_openvino_version", out(version)),
    availableDevices: status("ov_core_get_available_devices", pointer, out(devices)),
    availableDevicesFree: library.func("ov_available_devices_free", "void", [given(devices)]),
    coreGetProperty: status("ov_core_get_property", pointer, "str", "str", out(pointer)),
    freeText: frees("ov_free"),
    readModel: status("ov_core_read_model_from_memory_buffer", pointer, pointer, "size_t", pointer, out(pointer)),
    modelFree: frees("ov_model_free"),
    compile: status("ov_core_compile_model", pointer, pointer, "str", "size_t", out(pointer), "..."),
    coreSetProperty: status("ov_core_set_property", pointer, "str", "..."),
    exportModel: status("ov_compiled_model_export_model", pointer, "str"),
    importModel: status("ov_core_import_model", pointer, pointer, "size_t", "str", out(pointer)),
    compiledFree: frees("ov_compiled_model_free"),
    inputs: status("ov_compiled_model_inputs_size", pointer, out("size_t")),
    outputs: status("ov_compiled_model_outputs_size", pointer, out("size_t")),
    inputPort: status("ov_compiled_model_input_by_index", pointer, "size_t", out(pointer)),
    outputPort: status("ov_compiled_model_output_by_index", pointer, "size_t", out(pointer)),
    portName: status("ov_port_get_any_name", pointer, out(pointer)),
    portType: status("ov_port_get_element_type", pointer, out("int")),
    portFree: frees("ov_output_const_port_free"),
    request: status("ov_compiled_model_create_infer_request", pointer, out(pointer)),
    requestFree: frees("ov_infer_request_free"),
    infer: status("ov_infer_request_infer", pointer),
    setInput: status("ov_infer_request_set_input_tensor_by_index", pointer, "size_t", pointer),
    getOutput: status("ov_infer_request_get_output_tensor_by_index", pointer, "size_t", out(pointer)),
    tensorOf: status("ov_tensor_create_from_host_ptr", "int", shape, pointer, out(pointer)),
    tensorShape: status("ov_tensor_get_shape", pointer, out(made)),
    shapeFree: status("ov_shape_free", given(made)),
    tensorType: status("ov_tensor_get_element_type", pointer, out("int")),
    tensorElements: status("ov_tensor_get_size", pointer, out("size_t")),
    tensorBytes: status("ov_tensor_get_byte_size", pointer, out("size_t")),
    tensorData: status("ov_tensor_data", pointer, out(pointer)),
    tensorFree: frees("ov_tensor_free"),
    lastError: library.func("ov_get_last_err_msg", "str", []),
    addressOf: (data) => koffi.address(data),
    view: (data, bytes) => koffi.view(data, bytes),
    textAt: (text) => koffi.decode.string(text),
    pointersAt: (list, count) => Array.from({ length: count }, (_, index) => BigInt(koffi.decode.uint64(list + BigInt(index * 8)))),
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Compiled code; threads pass it on by message. */
export interface WasmModule {
  readonly [Symbol.toStringTag]: string;
}

/** Linear memory that threads share. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
}

/** What of WebAssembly's JavaScript interface the kernels use. Units: `initial` and `maximum` in pages of 64 KiB. */
interface WebAssemblyApi {
  validate(code: Uint8Array): boolean;
  readonly Module: new (code: Uint8Array) => WasmModule;
  readonly Instance: new (module: WasmModule, imports: object) => { readonly exports: object };
  readonly Memory: new (size: { readonly initial: number; readonly maximum: number; readonly shared: true }) => SharedMemory;
}

/** Every Node has it; the types of Node 20 lack it. */
export const webAssembly = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;

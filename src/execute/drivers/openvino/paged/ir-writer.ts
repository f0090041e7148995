/** An output of a layer of the graph. */
export interface IrValue {
  readonly layer: number;
  readonly port: number;
}

/** A graph as OpenVINO's own reader takes it: XML, and the bytes its constants lie in. */
export interface IrModel {
  readonly xml: Uint8Array;
  readonly weights: Uint8Array;
}

export type IrType = "f32" | "i8" | "i32" | "i64" | "boolean";

interface LayerOptions {
  readonly data?: Readonly<Record<string, string | number | boolean>>;
  readonly outputs?: number;
  readonly name?: string;
  /** Of an output of the whole graph. */
  readonly result?: string;
}

/** Writes a graph in OpenVINO's intermediate representation, version 11. Source: docs.openvino.ai, "Operation Set Specifications" of 2026. */
export interface IrWriter {
  /** An operator of an operator set; `n` outputs are those of ports 0 to n - 1 of what is given back. */
  layer(type: string, opset: number, inputs: readonly IrValue[], options?: LayerOptions): IrValue;
  parameter(name: string, type: IrType, shape: readonly (number | "?")[]): IrValue;
  constant(type: IrType, shape: readonly number[], data: ArrayBufferView): IrValue;
  /** An output of the whole graph. */
  result(name: string, value: IrValue): void;
  build(name: string): IrModel;
}

/** Constants begin at multiples of this: a cache line. */
const ALIGNMENT = 64;

export function createIrWriter(): IrWriter {
  const layers: string[] = [];
  const edges: string[] = [];
  const chunks: { readonly at: number; readonly data: Uint8Array }[] = [];
  let bytes = 0;
  const layer = (
    type: string,
    opset: number,
    inputs: readonly IrValue[],
    { data, outputs = 1, name, result }: LayerOptions = {},
  ): IrValue => {
    const id = layers.length;
    const given = inputs.map((_, port) => `<port id="${port}"/>`).join("");
    // Types and shapes of outputs are inferred by the reader; it wants a precision to be there.
    const names = name === undefined ? "" : ` names="${name}"`;
    const made = Array.from({ length: outputs }, (_, port) => `<port id="${inputs.length + port}" precision="FP32"${names}/>`).join("");
    const attributes = Object.entries(data ?? {}).map(([key, value]) => ` ${key}="${value}"`);
    layers.push(
      `<layer id="${id}" name="${name ?? `${type}_${id}`}" type="${type}" version="opset${opset}"${result === undefined ? "" : ` output_names="${result}"`}>` +
        (attributes.length === 0 ? "" : `<data${attributes.join("")}/>`) +
        (given === "" ? "" : `<input>${given}</input>`) +
        (made === "" ? "" : `<output>${made}</output>`) +
        "</layer>",
    );
    inputs.forEach((from, port) => {
      edges.push(`<edge from-layer="${from.layer}" from-port="${from.port}" to-layer="${id}" to-port="${port}"/>`);
    });
    return { layer: id, port: inputs.length };
  };
  return {
    layer,
    parameter: (name, type, shape) => layer("Parameter", 1, [], { data: { shape: shape.join(","), element_type: type }, name }),
    constant: (type, shape, data) => {
      const at = Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
      chunks.push({ at, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) });
      bytes = at + data.byteLength;
      return layer("Const", 1, [], { data: { element_type: type, shape: shape.join(","), offset: at, size: data.byteLength } });
    },
    result: (name, value) => {
      layer("Result", 1, [value], { outputs: 0, result: name });
    },
    build: (name) => {
      const weights = new Uint8Array(bytes);
      for (const { at, data } of chunks) weights.set(data, at);
      const xml = `<?xml version="1.0"?><net name="${name}" version="11"><layers>${layers.join("")}</layers><edges>${edges.join("")}</edges></net>`;
      return { xml: new TextEncoder().encode(xml), weights };
    },
  };
}

/** The n-th output of an operator of several. */
export function outputOf(value: IrValue, n: number): IrValue {
  return { layer: value.layer, port: value.port + n };
}

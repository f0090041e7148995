import type { PeakType } from "../peak-type.ts";
import type { DeviceSheet, Figure } from "./device-sheet.ts";

/** Bytes of a "GB" of HBM or GDDR, which makers count in powers of 2: 80 GB of an A100 are 85,899,345,920 bytes. */
export const GIB = 1_073_741_824;
export const MIB = 1_048_576;
export const KIB = 1024;
export const TERA = 1e12;
export const GIGA = 1e9;

/** Figures of one document; `where` is the row or the computation, where the name of the document does not suffice. */
export interface Citation {
  (value: number, where?: string): Figure;
  readonly source: string;
}

/** Figures that a maker's data sheet, whitepaper or documentation prints. */
export function dataSheet(source: string): Citation {
  return citation("data-sheet", source);
}

/** How the source of a figure begins that no page confirmed. */
const UNCONFIRMED = "unconfirmed: from memory of ";

/** Figures written from memory of a document, which no copy of it confirmed; the source says so wherever it is shown. */
export function fromMemory(source: string): Citation {
  return citation("data-sheet", `${UNCONFIRMED}${source}`);
}

/** Whether a figure was written from memory and nothing confirmed it. */
export function isUnconfirmed({ source }: Figure): boolean {
  return source.startsWith(UNCONFIRMED);
}

/** Figures that somebody measured or read off a device. */
export function measured(source: string): Citation {
  return citation("measured", source);
}

/** Figures computed from cited ones, as the source says. */
export function derived(source: string): Citation {
  return citation("derived", source);
}

function citation(basis: Figure["basis"], source: string): Citation {
  const cite = (value: number, where?: string): Figure => ({
    value,
    basis,
    source: where === undefined ? source : `${source}: ${where}`,
  });
  return Object.assign(cite, { source });
}

/** Dense peaks in units of 10^12 operations a second, all from one document. */
export function teraPeaks(cite: Citation, peaks: Readonly<Partial<Record<PeakType, number>>>): DeviceSheet["peaks"] {
  const figures: Partial<Record<PeakType, Figure>> = {};
  for (const [type, tera] of Object.entries(peaks)) figures[type as PeakType] = cite(tera * TERA);
  return figures;
}

/** Both 8-bit floating-point types, which tensor cores multiply at one rate. */
export function eightBit(tera: number): { readonly f8e4m3: number; readonly f8e5m2: number } {
  return { f8e4m3: tera, f8e5m2: tera };
}

/** Both 16-bit floating-point types, where they are multiplied at one rate. */
export function sixteenBit(tera: number): { readonly f16: number; readonly bf16: number } {
  return { f16: tera, bf16: tera };
}

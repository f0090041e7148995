import { workloadInvalid } from "../workload-error.ts";

const SPEC_MAX = 1000;

/** The fields of a text such as `gamma:rate=2,cv=3,…`, read one by one; what was not read is an error. */
export interface SpecFields {
  readonly kind: string;
  has(field: string): boolean;
  /** The text of a field. */
  text(field: string): string;
  /** A number of at least `least` (above 0 where that is absent), or `otherwise` where the field is not there. */
  number(field: string, bounds?: { readonly least?: number; readonly otherwise?: number }): number;
  whole(field: string, bounds: { readonly least: number; readonly most: number; readonly otherwise?: number }): number;
  /** Errors: `workload-invalid` for the first field that nothing read. */
  finish(): void;
}

/** Errors: `workload-invalid` for a text that is not `kind:key=value,…`. `form` is what the message says is meant. */
export function specFields(text: string, form: string): SpecFields {
  if (text.length > SPEC_MAX) throw workloadInvalid({}, `${text.length} characters; ${form} is meant`);
  const colon = text.indexOf(":");
  const fields = new Map<string, string>();
  for (const part of text.slice(colon + 1).split(",")) {
    const equals = part.indexOf("=");
    if (equals < 1) throw workloadInvalid({ field: JSON.stringify(part) }, `${form} is meant`);
    const key = part.slice(0, equals);
    if (fields.has(key)) throw workloadInvalid({ field: key }, "is given twice");
    fields.set(key, part.slice(equals + 1));
  }
  const read = new Set<string>();
  const textOf = (field: string): string => {
    read.add(field);
    const value = fields.get(field);
    if (value === undefined) throw workloadInvalid({ field }, `is missing; ${form} is meant`);
    return value;
  };
  return {
    kind: text.slice(0, colon),
    has: (field) => fields.has(field),
    text: textOf,
    number: (field, { least, otherwise } = {}) => {
      if (otherwise !== undefined && !fields.has(field)) return otherwise;
      const value = decimal(textOf(field));
      if (least === undefined ? value > 0 : value >= least) return value;
      throw workloadInvalid(
        { field },
        `${least === undefined ? "a number above 0" : `a number of at least ${least}`} is meant, without an exponent`,
      );
    },
    whole: (field, { least, most, otherwise }) => {
      if (otherwise !== undefined && !fields.has(field)) return otherwise;
      return wholeNumber(textOf(field), { field, least, most });
    },
    finish: () => {
      for (const field of fields.keys()) if (!read.has(field)) throw workloadInvalid({ field: JSON.stringify(field) }, `${form} is meant`);
    },
  };
}

/** Errors: `workload-invalid` naming the field. */
export function wholeNumber(text: string, { field, least, most }: { field: string; least: number; most: number }): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= most)) throw workloadInvalid({ field }, `a whole number from ${least} to ${most} is meant`);
  return value;
}

/** NaN where the text is no plain decimal number. */
export function decimal(text: string): number {
  return /^\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : NaN;
}

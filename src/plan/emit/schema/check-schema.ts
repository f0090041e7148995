/** The part of JSON Schema that Kubernetes' published schemas use. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly enum?: readonly unknown[];
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
}

/** Where a document differs from a schema, as a path such as `spec.replicas`. */
export interface SchemaFault {
  readonly path: string;
  readonly detail: string;
}

/** Gives the schema a `$ref` names; undefined where it is not known. */
export type Definitions = (reference: string) => JsonSchema | undefined;

/** Holds a document against a schema: types, required and unknown fields, values of enumerations. */
export function checkSchema(value: unknown, schema: JsonSchema, definitions: Definitions, path = ""): SchemaFault[] {
  if (schema.$ref !== undefined) {
    const named = definitions(schema.$ref);
    return named === undefined
      ? [{ path, detail: `no schema of ${schema.$ref} is at hand` }]
      : checkSchema(value, named, definitions, path);
  }
  const any = schema.oneOf ?? schema.anyOf;
  if (any !== undefined) {
    const tried = any.map((each) => checkSchema(value, each, definitions, path));
    return tried.some((faults) => faults.length === 0) ? [] : (tried[0] ?? []);
  }
  if (schema.type !== undefined && !typesOf(schema.type).some((type) => isType(value, type))) {
    return [{ path, detail: `${typesOf(schema.type).join(" or ")} is wanted` }];
  }
  if (schema.enum !== undefined && !schema.enum.includes(value)) return [{ path, detail: `one of ${schema.enum.join(", ")} is wanted` }];
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? [] : value.flatMap((each, index) => checkSchema(each, items, definitions, `${path}[${index}]`));
  }
  return isRecord(value) ? checkFields(value, schema, definitions, path) : [];
}

function checkFields(value: Readonly<Record<string, unknown>>, schema: JsonSchema, definitions: Definitions, path: string): SchemaFault[] {
  const faults: SchemaFault[] = [];
  const at = (field: string): string => (path === "" ? field : `${path}.${field}`);
  for (const field of schema.required ?? []) if (value[field] === undefined) faults.push({ path: at(field), detail: "is missing" });
  const { properties = {}, additionalProperties } = schema;
  for (const [field, each] of Object.entries(value)) {
    const known = Object.hasOwn(properties, field) ? properties[field] : undefined;
    if (known !== undefined) faults.push(...checkSchema(each, known, definitions, at(field)));
    else if (typeof additionalProperties === "object") faults.push(...checkSchema(each, additionalProperties, definitions, at(field)));
    else if (additionalProperties === false || (additionalProperties === undefined && schema.properties !== undefined)) {
      faults.push({ path: at(field), detail: "there is no such field" });
    }
  }
  return faults;
}

function typesOf(type: string | readonly string[]): readonly string[] {
  return typeof type === "string" ? [type] : type;
}

function isType(value: unknown, type: string): boolean {
  if (type === "object") return isRecord(value);
  if (type === "array") return Array.isArray(value);
  if (type === "integer") return typeof value === "number" && Number.isInteger(value);
  if (type === "null") return value === null;
  return typeof value === type;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

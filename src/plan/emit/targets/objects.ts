import { stringify } from "yaml";
import type { KubernetesObject } from "../emit-types.ts";
import { type EngineArguments, OWN_ADDRESS } from "../engines/engine-arguments.ts";

/** Objects as one YAML stream. */
export function yamlStream(objects: readonly object[]): string {
  return objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })).join("---\n");
}

export interface ServiceOptions {
  readonly selector: Readonly<Record<string, string>>;
  readonly port: number;
  /** Without an address of its own: names of pods resolve. */
  readonly headless?: boolean;
}

export function serviceObject(name: string, { selector, port, headless }: ServiceOptions): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: {
      ...(headless === true ? { clusterIP: "None", publishNotReadyAddresses: true } : {}),
      selector,
      ports: [{ name: "http", port, targetPort: port }],
    },
  };
}

/** An engine's variables as a container takes them. */
export function containerEnvironment({ environment = {} }: EngineArguments): object[] {
  const podIp = { fieldRef: { fieldPath: "status.podIP" } };
  return Object.entries(environment).map(([name, value]) => (value === OWN_ADDRESS ? { name, valueFrom: podIp } : { name, value }));
}

/** A name that Kubernetes takes: RFC 1123, at most 50 characters so that endings fit. */
export function objectName(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return name.slice(0, NAME_MAX).replace(/-+$/, "");
}

const NAME_MAX = 50;

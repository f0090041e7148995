import type { PackageText } from "../options/read/read-package.ts";
import type { Definitions, JsonSchema } from "./check-schema.ts";

/** Where the schema of a kind lies, by `apiVersion kind`. */
export const KIND_DEFINITIONS: Readonly<Record<string, string>> = {
  "apps/v1 Deployment": "io.k8s.api.apps.v1.Deployment",
  "apps/v1 StatefulSet": "io.k8s.api.apps.v1.StatefulSet",
  "v1 Service": "io.k8s.api.core.v1.Service",
  "v1 ConfigMap": "io.k8s.api.core.v1.ConfigMap",
  "v1 ServiceAccount": "io.k8s.api.core.v1.ServiceAccount",
  "rbac.authorization.k8s.io/v1 Role": "io.k8s.api.rbac.v1.Role",
  "rbac.authorization.k8s.io/v1 RoleBinding": "io.k8s.api.rbac.v1.RoleBinding",
};

/** Schemas of Kubernetes objects, and where they come from. */
export interface KubernetesSchemas {
  readonly version: string;
  readonly origin: "written" | "package";
  readonly definitions: Definitions;
}

/** All definitions of the newest strict schema in the package kubernetes-validate. */
export function readKubernetesDefinitions(source: PackageText): KubernetesSchemas {
  const files = source.paths.filter((path) => path.endsWith("-local-strict/_definitions.json"));
  const newest = files.reduce((best, path) => (minorOf(path) > minorOf(best) ? path : best), files[0] ?? "");
  const all = JSON.parse(source.read(newest)) as { readonly $defs: Readonly<Record<string, JsonSchema>> };
  return {
    version: `Kubernetes ${/v[\d.]+/.exec(newest)?.[0] ?? ""} of ${source.version}`,
    origin: "package",
    definitions: (reference) => all.$defs[definitionName(reference)],
  };
}

/** Last part of a reference such as `#/$defs/io.k8s.api.core.v1.PodSpec`. */
export function definitionName(reference: string): string {
  return reference.slice(reference.lastIndexOf("/") + 1);
}

function minorOf(path: string): number {
  return Number(/\/v1\.(\d+)\./.exec(path)?.[1] ?? 0);
}

/**
 * Writes `src/plan/emit/schema/generated/kubernetes.ts` from the wheel kubernetes-validate: `node dist/scripts/write-kubernetes-schema.js <wheel>`. Only
 * the definitions that manifests use, without their descriptions.
 */
import { writeFileSync } from "node:fs";
import { openPackageText } from "../src/execute/emit/package-text.ts";
import type { JsonSchema } from "../src/plan/emit/schema/check-schema.ts";
import { definitionName, KIND_DEFINITIONS, readKubernetesDefinitions } from "../src/plan/emit/schema/kubernetes-definitions.ts";

const TARGET = "src/plan/emit/schema/generated/kubernetes.ts";
const CORE = "io.k8s.api.core.v1";
const USED: readonly string[] = [
  ...Object.values(KIND_DEFINITIONS),
  "io.k8s.api.apps.v1.DeploymentSpec",
  "io.k8s.api.apps.v1.StatefulSetSpec",
  "io.k8s.api.rbac.v1.PolicyRule",
  "io.k8s.api.rbac.v1.RoleRef",
  "io.k8s.api.rbac.v1.Subject",
  "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector",
  "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
  "io.k8s.apimachinery.pkg.api.resource.Quantity",
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
  ...["ServiceSpec", "ServicePort", "PodTemplateSpec", "PodSpec", "Container", "ContainerPort", "EnvVar", "EnvVarSource"].map(
    (each) => `${CORE}.${each}`,
  ),
  ...["ObjectFieldSelector", "ResourceRequirements", "Probe", "HTTPGetAction", "Volume", "EmptyDirVolumeSource"].map(
    (each) => `${CORE}.${each}`,
  ),
  ...["ConfigMapVolumeSource", "PersistentVolumeClaimVolumeSource", "VolumeMount"].map((each) => `${CORE}.${each}`),
];

const source = openPackageText(process.argv[2] ?? "", "kubernetes-validate");
const { version, definitions } = readKubernetesDefinitions(source);
const kept = Object.fromEntries(USED.map((name) => [name, bare(definitions(name)!)]));
const head = `/** Definitions of Kubernetes' API that manifests use, from ${version} (Apache-2.0, PyPI); scripts/write-kubernetes-schema.ts. */`;
const body = Object.entries(kept).map(([name, schema]) => `  "${name}": ${JSON.stringify(schema)},`);
const type = 'import type { JsonSchema } from "../check-schema.ts";\n\n';
writeFileSync(
  TARGET,
  `${type}${head}\nexport const KUBERNETES_VERSION = "${version}";\n\nexport const KUBERNETES_DEFINITIONS: Readonly<Record<string, JsonSchema>> = {\n${body.join("\n")}\n};\n`,
);
process.stdout.write(`${body.length} definitions of ${version}\n`);

/** Without descriptions and hints of merging; `null` is not written by anyone. */
function bare(schema: JsonSchema): JsonSchema {
  const { $ref, type, properties, required, additionalProperties, items, oneOf } = schema;
  const types = typeof type === "string" || type === undefined ? type : type.filter((each) => each !== "null");
  return {
    ...($ref === undefined ? {} : { $ref: definitionName($ref) }),
    ...(types === undefined ? {} : { type: typeof types !== "string" && types.length === 1 ? types[0]! : types }),
    ...(schema.enum === undefined ? {} : { enum: schema.enum.filter((each) => each !== null) }),
    ...(properties === undefined
      ? {}
      : { properties: Object.fromEntries(Object.entries(properties).map(([key, each]) => [key, bare(each)])) }),
    ...(required === undefined ? {} : { required }),
    ...(additionalProperties === undefined
      ? {}
      : { additionalProperties: typeof additionalProperties === "object" ? bare(additionalProperties) : additionalProperties }),
    ...(items === undefined ? {} : { items: bare(items) }),
    ...(oneOf === undefined ? {} : { oneOf: oneOf.map(bare) }),
  };
}

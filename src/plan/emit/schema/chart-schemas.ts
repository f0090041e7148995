import type { JsonSchema } from "./check-schema.ts";

const TEXT: JsonSchema = { type: "string" };
const COUNT: JsonSchema = { type: "integer" };
const TRUTH: JsonSchema = { type: "boolean" };
const LABELS: JsonSchema = { type: "object", additionalProperties: TEXT };

/**
 * The fields of a DynamoGraphDeployment that heddle writes. Source: dynamo/profiler/templates/dgd/ and planner tests (multinode) of ai-dynamo 1.6.1; the
 * custom resource's own schema is not on PyPI.
 */
export const DYNAMO_SCHEMA: JsonSchema = {
  type: "object",
  required: ["apiVersion", "kind", "metadata", "spec"],
  properties: {
    apiVersion: { type: "string", enum: ["nvidia.com/v1beta1"] },
    kind: { type: "string", enum: ["DynamoGraphDeployment"] },
    metadata: { $ref: "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta" },
    spec: {
      type: "object",
      required: ["components"],
      properties: {
        components: {
          type: "array",
          items: {
            type: "object",
            required: ["name", "type", "replicas", "podTemplate"],
            properties: {
              name: TEXT,
              type: { type: "string", enum: ["frontend", "worker", "prefill", "decode"] },
              replicas: COUNT,
              multinode: { type: "object", required: ["nodeCount"], properties: { nodeCount: COUNT } },
              podTemplate: { $ref: "io.k8s.api.core.v1.PodTemplateSpec" },
            },
          },
        },
      },
    },
  },
};

/** Values of one role. Fields that the chart's own schema leaves open are held to those of its values.yaml. */
const ROLE: JsonSchema = {
  type: "object",
  required: ["create"],
  properties: {
    create: TRUTH,
    replicas: COUNT,
    parallelism: {
      type: "object",
      properties: { tensor: COUNT, data: COUNT, dataLocal: COUNT, workers: COUNT },
    },
    containers: {
      type: "array",
      items: {
        type: "object",
        required: ["name", "image", "modelCommand"],
        properties: {
          name: TEXT,
          image: TEXT,
          modelCommand: { type: "string", enum: ["vllmServe", "imageDefault", "custom"] },
          command: { type: "array", items: TEXT },
          args: { type: "array", items: TEXT },
          env: { type: "array", items: { $ref: "io.k8s.api.core.v1.EnvVar" } },
          ports: { type: "array", items: { $ref: "io.k8s.api.core.v1.ContainerPort" } },
          resources: { $ref: "io.k8s.api.core.v1.ResourceRequirements" },
          mountModelVolume: TRUTH,
          volumeMounts: { type: "array", items: { $ref: "io.k8s.api.core.v1.VolumeMount" } },
        },
      },
    },
    volumes: { type: "array", items: { $ref: "io.k8s.api.core.v1.Volume" } },
  },
};

/** What the side-car is told of both ways, with encoders apart. Source: `--kv-connector`, `--ec-connector` of pkg/sidecar/proxy/options.go of llm-d/llm-d-router. */
const SIDECAR: Readonly<Record<string, JsonSchema>> = {
  kvConnector: { type: "string", enum: ["nixlv2", "shared-storage", "sglang", "mooncake", "offloading"] },
  ecConnector: { type: "string", enum: ["ec-example", "ec-nixl"] },
};

/**
 * Values of the chart llm-d-modelservice that heddle writes. Source: charts/llm-d-modelservice/values.schema.tmpl.json (00b82e2) and values.yaml (024c0f2);
 * `encode` and the side-car's connectors: examples/values-epd.yaml (341418d) and what the chart v0.5.0 makes of it (examples/output-epd.yaml, 1487522).
 */
export const LLM_D_SCHEMA: JsonSchema = {
  type: "object",
  required: ["modelArtifacts", "decode", "prefill"],
  properties: {
    modelArtifacts: { type: "object", required: ["name", "uri"], properties: { name: TEXT, uri: TEXT, labels: LABELS } },
    routing: {
      type: "object",
      properties: {
        servicePort: COUNT,
        proxy: { type: "object", properties: { enabled: TRUTH, targetPort: COUNT, connector: TEXT, ...SIDECAR } },
      },
    },
    decode: ROLE,
    prefill: ROLE,
    encode: ROLE,
  },
};

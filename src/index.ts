/** Public names of the package: graphs on racks (`openRack`), readers, plans, engines, the simulator. Serving is reached through the command line. */
export { type ByteSource, bytesOf } from "./base/bytes.ts";
export { ERROR_CODES, type ErrorCode } from "./base/error-codes.ts";
export { HeddleError } from "./base/heddle-error.ts";
// Readers of public measurements, and networks beyond what a deployment file says: docs/network.md. No command needs them; tools around heddle do.
export { readNcclTests } from "./cost/import/nccl-tests/read-nccl-tests.ts";
export { readNcclTopology } from "./cost/import/nccl-topology/read-nccl-topology.ts";
export { readNixlbench } from "./cost/import/transfer/read-nixlbench.ts";
export { readUcxPerftest } from "./cost/import/transfer/read-ucx-perftest.ts";
export { readLayerProfile } from "./cost/import/vidur/read-layer-profile.ts";
export { readNetworkProfile } from "./cost/import/vidur/read-network-profile.ts";
export { collectiveModel } from "./cost/network/collectives/collective-model.ts";
export { tableCollectives } from "./cost/network/collectives/table-collectives.ts";
export { evenHandOver, kvBytes, layerwiseHandOver, sustainedRate, transferNs } from "./cost/network/kv-transfer.ts";
export { topologyLoad } from "./cost/network/topology-load.ts";
// Constants of a device that is in no table, from a few rows measured on it.
export { mostTelling } from "./cost/operator/physics/probe/most-telling.ts";
export { probedConstants } from "./cost/operator/physics/probe/probed-constants.ts";
export { stepCostFrom } from "./cost/step-cost-from.ts";
export { checkpointInterval, goodput, planCheckpoints } from "./cost/training/checkpoints.ts";
export type { DataflowConfig } from "./engine/dataflow/dataflow-config.ts";
export { createDataflowEngine } from "./engine/dataflow/dataflow-engine.ts";
export type { DataflowCommand, DataflowEvent, DataflowRack, StageSpec, TaskSpec } from "./engine/dataflow/dataflow-types.ts";
export { checkPrograms } from "./engine/dataflow/ring-check.ts";
export { createFleetEngine } from "./engine/fleet-engine.ts";
export { createReplicaEngine } from "./engine/replica-engine.ts";
export type { Collective, CollectiveGroup } from "./execute/device/collective.ts";
export type {
  CompiledStage,
  DeviceDescription,
  DeviceDriver,
  DeviceOptions,
  DeviceTelemetry,
  DeviceTensor,
  NoBasis,
  OpenDevice,
  ResidentStage,
  StageRun,
  Support,
} from "./execute/device/device-driver.ts";
export type { HostTensor, TensorArray, TensorType } from "./execute/device/tensor.ts";
export type { DecoderModel } from "./graph/decoder/model.ts";
export type { DecoderSpec } from "./graph/decoder/spec.ts";
export { decoderFromGguf } from "./graph/gguf/decoder-from-gguf.ts";
export { readGguf } from "./graph/gguf/read-gguf.ts";
export { loadTokenizer, type Tokenizer } from "./graph/tokenizer/tokenizer.ts";
export type { Plan } from "./plan/plan.ts";
export { readPlan, writePlan } from "./plan/plan-file.ts";
export type { BatchingPolicy } from "./policy/batching.ts";
export type { DataflowPolicy } from "./policy/dataflow-policy.ts";
export { earliestFinish } from "./policy/policies/earliest-finish.ts";
export type { RoutingPolicy } from "./policy/routing.ts";
export type { Rack } from "./rack/rack.ts";
export { readRack, writeRack } from "./rack/rack-file.ts";
export { dragonfly } from "./rack/topology/dragonfly.ts";
export { fatTree } from "./rack/topology/fat-tree.ts";
export { hostNode } from "./rack/topology/host-node.ts";
export { leafSpine } from "./rack/topology/leaf-spine.ts";
export { railFabric } from "./rack/topology/rail-fabric.ts";
export { scaleUpDomain } from "./rack/topology/scale-up-domain.ts";
export { torus } from "./rack/topology/torus.ts";
export { defineGraph } from "./sdk/define-graph.ts";
export { type HostDevice, hostDevice } from "./sdk/host-device.ts";
export { loadDecoder } from "./sdk/load-decoder.ts";
export { loadGraph } from "./sdk/load-graph.ts";
export { openRack } from "./sdk/open-rack.ts";
export type {
  DecoderGraph,
  DecoderOptions,
  GangMemberSummary,
  GraphMaker,
  GraphState,
  GraphValue,
  HostTask,
  HostTaskHandle,
  Input,
  Inputs,
  OpenRack,
  OpOptions,
  Output,
  Outputs,
  OwnDevice,
  Policy,
  PolicyDevice,
  PolicyTask,
  PortSpec,
  RackEvent,
  RackOptions,
  RackReport,
  RackState,
  RunHandle,
  RunnableGraph,
  RunOptions,
  RunSummary,
  StageReport,
  StreamOptions,
  Tensor,
  TensorData,
  Variant,
  VariantCheck,
  WayReport,
} from "./sdk/sdk-types.ts";
export { tensor } from "./sdk/tensor.ts";
export { simulateDataflow } from "./simulate/dataflow/simulate-dataflow.ts";
export type { CollectiveJob, CollectiveRun } from "./simulate/flows/collective-job.ts";
export { createFlowNetwork } from "./simulate/flows/flow-network.ts";
export { nodeRings } from "./simulate/flows/node-rings.ts";
export { simulateCollectives } from "./simulate/flows/simulate-collectives.ts";
export { topologyLinks } from "./simulate/flows/topology-links.ts";
export { virtualRun } from "./simulate/run/virtual-run.ts";
export { version } from "./version.ts";

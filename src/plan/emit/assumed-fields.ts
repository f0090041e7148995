import type { Deployment, Pool } from "../deployment/deployment.ts";
import type { EmitOptions, Inexpressible } from "./emit-types.ts";
import { inexpressible } from "./engines/engine-arguments.ts";

/** Fields that say what the simulation takes for granted of machines, links and drafts: no argument sets them, so a note names them. */
export function assumedNotes({ pools, kvTransfer, fabric }: Deployment): readonly string[] {
  const ofPools = pools.flatMap((pool) => {
    const fields = assumedFields(pool);
    return fields.length === 0
      ? []
      : [`${pool.name}: ${fields.join(", ")}: what the simulation took for granted; nothing is written for it`];
  });
  const fields = [
    ...(kvTransfer?.bandwidthBytesPerSecond === undefined ? [] : ["kvTransfer.bandwidthBytesPerSecond"]),
    ...(kvTransfer === undefined ? [] : ["kvTransfer.latencyNs"]),
    ...(fabric === undefined ? [] : ["fabric"]),
  ];
  if (fields.length === 0) return ofPools;
  return [...ofPools, `${fields.join(", ")}: what the simulation took the links for; nothing is written for it`];
}

function assumedFields({ engine, speculation, lora, offload, startUpNs = 0, outages }: Pool): string[] {
  return [
    ...(engine.overheadNs > 0 ? ["engine.overheadNs"] : []),
    ...(speculation === undefined ? [] : ["speculation.acceptance", "speculation.draftCost"]),
    ...(lora?.hostBytesPerSecond === undefined ? [] : ["lora.hostBytesPerSecond"]),
    ...(lora?.diskBytesPerSecond === undefined ? [] : ["lora.diskBytesPerSecond"]),
    ...(offload === undefined ? [] : ["offload.bandwidthBytesPerSecond"]),
    ...(startUpNs > 0 ? ["startUpNs"] : []),
    ...(outages === undefined ? [] : ["outages"]),
  ];
}

/** The model's name where it is the catalogue's alone: engines load folders and names of the Hub, which have a publisher. */
export function checkpointNote({ model }: Deployment, { checkpoint }: EmitOptions): readonly string[] {
  if (checkpoint?.name !== undefined || model.includes("/")) return [];
  return [`model: ${model} is what is loaded; where no folder has that name, say the Hub's with --checkpoint publisher/name`];
}

/** Rules that no target is written: a fleet of fixed size in their stead would be another fleet. */
export function scalingMissing({ pools }: Deployment): readonly Inexpressible[] {
  return pools
    .filter(({ scaling }) => scaling !== undefined)
    .map(({ name }) =>
      inexpressible(name, "scaling", "rules of an autoscaler are not written; leave scaling out and add the autoscaler's own object"),
    );
}

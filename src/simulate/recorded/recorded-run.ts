import { assert, must } from "../../base/assert.ts";
import type { Nanoseconds } from "../../base/units.ts";
import { type CommandHash, emptyCommandHash, hashCommand, hashText } from "../../engine/command-hash.ts";
import type { FleetCommand } from "../../engine/fleet-engine-types.ts";
import type { Ledger, LedgerEvent, RecordedEvent } from "../../engine/ledger.ts";
import type { FromReplica, ToReplica } from "../../engine/messages.ts";
import type { MakeReplayEngine, ReplayEngine } from "../../engine/replay.ts";
import type { ReplicaCommand, ReplicaEvent } from "../../engine/replica-engine-types.ts";
import { createMessageChannels, type MessageChannels } from "./message-channels.ts";
import { createRecordedExecutor, type RecordedExecutor } from "./recorded-executor.ts";

/** What a node of a recorded run came to. */
export interface RecordedNode {
  /** `fleet`, or `replica.incarnation`. */
  readonly name: string;
  readonly events: number;
  /** Hash of all its commands, 16 hex digits. */
  readonly hash: string;
}

/** The first event that could not happen again as it did. */
export interface RecordedDivergence {
  readonly node: string;
  readonly index: number;
  readonly at: Nanoseconds;
  readonly event: RecordedEvent;
  readonly reason: string;
  /** What the engine did with the event, where it got it. */
  readonly commands: readonly object[];
}

export interface RecordedRunResult {
  readonly nodes: readonly RecordedNode[];
  /** Messages whose sender's ledger ends before they were sent: its process was killed. They were taken from the receiver's. */
  readonly unverified: number;
  readonly firstDivergence?: RecordedDivergence;
}

/** One engine of the run with its ledger. */
interface Node {
  readonly name: string;
  readonly ledger: Ledger;
  readonly engine: ReplayEngine;
  readonly executor: RecordedExecutor | undefined;
  readonly hash: CommandHash;
  next: number;
}

/**
 * Runs all engines of a recorded run again, together: the executor of this run starts what the engines command and carries what they send; from the
 * ledgers come only arrivals and other news from outside, when things were received or ended, and what devices computed.
 *
 * Model: a node goes on as soon as what its next event needs is there. Nodes are deterministic and share nothing but ordered channels, so the result
 * does not depend on the order in which they take turns, and no two clocks are compared.
 * Errors: what making an engine gives.
 */
export function recordedRun(ledgers: readonly Ledger[], makeEngine: MakeReplayEngine): RecordedRunResult {
  const nodes = ledgers.map((ledger) => nodeOf(ledger, makeEngine));
  const channels = createMessageChannels();
  let unverified = 0;
  const result = (firstDivergence?: RecordedDivergence): RecordedRunResult => ({
    nodes: nodes.map(({ name, next, hash }) => ({ name, events: next, hash: hashText(hash) })),
    unverified,
    ...(firstDivergence === undefined ? {} : { firstDivergence }),
  });
  for (;;) {
    let steps = 0;
    for (const node of nodes) {
      for (let turn = takeTurn(node, nodes, channels); turn.type !== "waits"; turn = takeTurn(node, nodes, channels)) {
        if (turn.type === "diverges") return result(turn.divergence);
        if (turn.unverified) unverified++;
        steps++;
      }
    }
    if (steps > 0) continue;
    const stuck = nodes.find((node) => node.next < node.ledger.events.length);
    return result(stuck === undefined ? undefined : divergenceOf(stuck, "the message it received was not sent"));
  }
}

type Turn =
  | { readonly type: "waits" }
  | { readonly type: "stepped"; readonly unverified: boolean }
  | { readonly type: "diverges"; readonly divergence: RecordedDivergence };

/** The next event of a node, if what it needs is there. */
function takeTurn(node: Node, nodes: readonly Node[], channels: MessageChannels): Turn {
  const recorded = node.ledger.events[node.next];
  if (recorded === undefined) return { type: "waits" };
  const { event, at } = recorded;
  let unverified = false;
  if (event.type === "message") {
    const { channel, sender } = routeOf(node, event);
    const receipt = channels.receive(channel, event.message);
    if (receipt === "not sent") {
      // A killed process takes the end of its ledger along.
      if (nodes.some(({ name, next, ledger }) => name === sender && next < ledger.events.length)) return { type: "waits" };
      channels.skip(channel);
      unverified = true;
    } else if (receipt !== "right") {
      return diverges(node, `it received another message than the ${receipt.sent.type} that was sent`);
    }
  }
  const refusal = node.executor?.refuse(event as ReplicaEvent, at);
  if (refusal !== undefined) return diverges(node, refusal);
  return step(node, recorded, { channels, unverified });
}

function step(node: Node, recorded: LedgerEvent<RecordedEvent>, given: { channels: MessageChannels; unverified: boolean }): Turn {
  const { event, at, hash } = recorded;
  let commands: readonly object[];
  try {
    commands = node.engine.step(event, at);
  } catch (thrown) {
    return diverges(node, `the engine refuses it: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
  for (const command of commands) hashCommand(node.hash, command);
  if (node.hash.high !== hash.high || node.hash.low !== hash.low) {
    return { type: "diverges", divergence: { ...divergenceOf(node, "the engine commands something else"), commands } };
  }
  sendAll(node, commands, given.channels);
  node.executor?.take(commands as readonly ReplicaCommand[], at);
  node.next++;
  return { type: "stepped", unverified: given.unverified };
}

function sendAll(node: Node, commands: readonly object[], channels: MessageChannels): void {
  for (const command of commands as readonly (FleetCommand | ReplicaCommand)[]) {
    if (command.type !== "send") continue;
    if ("replica" in command) channels.send(`to ${command.replica}.${command.incarnation}`, command.message);
    else channels.send(`from ${node.name}`, command.message);
  }
}

/** The channel a received message came through, and the node at its other end. */
function routeOf(
  node: Node,
  event: { readonly type: "message"; readonly message: ToReplica | FromReplica; readonly replica?: number; readonly incarnation?: number },
): { channel: string; sender: string } {
  if (node.name !== "fleet") return { channel: `to ${node.name}`, sender: "fleet" };
  const sender = `${must(event.replica, "the fleet knows who sent")}.${must(event.incarnation, "the fleet knows who sent")}`;
  return { channel: `from ${sender}`, sender };
}

function nodeOf(ledger: Ledger, makeEngine: MakeReplayEngine): Node {
  const { node } = ledger.header;
  const engine = makeEngine(ledger.header);
  const shared = { ledger, engine, hash: emptyCommandHash(), next: 0 };
  if (node.type === "fleet") return { ...shared, name: "fleet", executor: undefined };
  assert(node.type === "replica", "only nodes of serving run together");
  return { ...shared, name: `${node.replica}.${node.incarnation}`, executor: createRecordedExecutor() };
}

function diverges(node: Node, reason: string): Turn {
  return { type: "diverges", divergence: divergenceOf(node, reason) };
}

function divergenceOf(node: Node, reason: string): RecordedDivergence {
  const { index, at, event } = must(node.ledger.events[node.next], "a divergence has an event");
  return { node: node.name, index, at, event, reason, commands: [] };
}

import type { FromReplica, ToReplica } from "../../engine/messages.ts";
import { sameData } from "./same-data.ts";

/** The messages of one direction of a session: sent by one engine in this order, each received once by the other. */
interface Channel {
  readonly sent: (ToReplica | FromReplica)[];
  received: number;
}

/** What became of a receipt: the message that was sent, none yet, or another one. */
export type Receipt = "right" | "not sent" | { readonly sent: ToReplica | FromReplica };

/** Sessions between the nodes of a run as an executor without a network has them: messages in order, each once. */
export interface MessageChannels {
  send(channel: string, message: ToReplica | FromReplica): void;
  /** Takes the next message if it is the one a ledger says was received. */
  receive(channel: string, message: ToReplica | FromReplica): Receipt;
  /** Counts a receipt of which the sender's record is lost. */
  skip(channel: string): void;
}

export function createMessageChannels(): MessageChannels {
  const channels = new Map<string, Channel>();
  const channelOf = (name: string): Channel => {
    const known = channels.get(name);
    if (known !== undefined) return known;
    const made: Channel = { sent: [], received: 0 };
    channels.set(name, made);
    return made;
  };
  return {
    send: (name, message) => channelOf(name).sent.push(message),
    receive: (name, message) => {
      const channel = channelOf(name);
      const sent = channel.sent[channel.received];
      if (sent === undefined) return "not sent";
      if (!sameData(sent, message)) return { sent };
      channel.received++;
      return "right";
    },
    skip: (name) => {
      channelOf(name).received++;
    },
  };
}

import { FederationError } from '#protocol/errors.js'
import { parseMessage, type Message, type MessageName } from '#protocol/messages.js'
import { unwrap } from '#protocol/result.js'
import type { Session } from '#coordinator/fleet/registry.js'
import type { SocketFleet } from '#coordinator/fleet/socket-fleet.js'

/** Whose message it is. */
export interface Sender {
  readonly fleet: Pick<SocketFleet, 'reception'>
  /** Null until the node has said hello. */
  readonly session: Session | null
  readonly join: (hello: Message<'node:hello'>) => void
}
type Handler = (value: unknown, sender: Sender) => Promise<object> | object

const parsed = <Name extends MessageName>(name: Name, value: unknown): Message<Name> =>
  unwrap(parseMessage(name, value))

function greeted({ session }: Sender): Session {
  if (session === null) throw new FederationError('message/malformed', 'Say node:hello first')
  return session
}

/** Every message that a node may send. A Map, so that no name reaches what an object inherits. */
const HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  [
    'node:hello',
    (value, { session, join }) => {
      const hello = parsed('node:hello', value)
      if (session !== null) throw new FederationError('message/malformed', 'The node said hello')
      join(hello)
      return { ok: true }
    },
  ],
  [
    'node:progress',
    (value, sender) =>
      sender.fleet.reception.progress(greeted(sender), parsed('node:progress', value)),
  ],
  [
    'update:begin',
    (value, sender) => sender.fleet.reception.begin(greeted(sender), parsed('update:begin', value)),
  ],
  [
    'update:chunk',
    (value, sender) => sender.fleet.reception.chunk(greeted(sender), bytesOf(value)),
  ],
  [
    'update:finish',
    (value, sender) =>
      sender.fleet.reception.finish(greeted(sender), parsed('update:finish', value)),
  ],
  [
    'task:failed',
    (value, sender) => sender.fleet.reception.failed(greeted(sender), parsed('task:failed', value)),
  ],
  [
    'fate:ask',
    (value, sender) => sender.fleet.reception.fate(greeted(sender), parsed('fate:ask', value)),
  ],
])
/** For the test that holds this list against the protocol. */
export const RECEIVED: readonly string[] = [...HANDLERS.keys()]

/** Handles one message; what it resolves with is the acknowledgement. Rejects with a FederationError. */
export async function receive(name: string, value: unknown, sender: Sender): Promise<object> {
  const handler = HANDLERS.get(name)
  if (handler === undefined)
    throw new FederationError('message/malformed', `There is no message '${name.slice(0, 40)}'`)
  return handler(value, sender)
}

export function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  throw new FederationError('frame/malformed', 'Expected the bytes of a frame')
}

import type { Socket } from 'socket.io'
import { asFederationError, type FederationError, type Problem } from '#protocol/errors.js'
import { faultPoint } from '#protocol/fault-points.js'

export type Handle = (name: string, value: unknown) => Promise<object>
interface Faults {
  readonly onError: (error: FederationError) => void
}

/** Every message gets an acknowledgement, whatever becomes of it. */
export function answerMessages(faults: Faults, socket: Socket, handle: Handle): void {
  socket.onAny((event: unknown, ...rest: unknown[]) => {
    // The library lets a number through where a name belongs.
    const name = String(event)
    const acknowledge = rest.at(-1)
    handle(name, rest[0])
      .catch((error: unknown) => ({ ok: false, problem: problemOf(faults, error) }))
      .then((ack) => {
        if (typeof acknowledge === 'function') (acknowledge as (ack: object) => void)(ack)
        if ('nextChunk' in ack && name === 'update:begin') faultPoint('grant.sent')
        if ('status' in ack && name === 'update:finish') faultPoint('ack.sent')
      })
      .catch((error: unknown) => faults.onError(asFederationError(error)))
  })
  // Without a listener an error of the connection would end the process.
  socket.on('error', () => undefined)
}

/** Our own faults are for the log; a peer learns that there was one. */
function problemOf({ onError }: Faults, cause: unknown): Problem {
  const error = asFederationError(cause)
  // A peer that has gone away, or came too early, is no fault of ours, and must not fill the log.
  if (error.status < 500 || error.code === 'coordinator/unreachable') return error.toProblem()
  onError(error)
  return error.code === 'internal/bug'
    ? { code: error.code, message: "The coordinator's log says more" }
    : error.toProblem()
}

import type { Socket } from 'socket.io'
import { asFederationError, FederationError } from '#protocol/errors.js'
import { unwrap } from '#protocol/result.js'
import { parseUiMessage, type ListName } from '#protocol/ui-messages.js'
import type { Entry } from '#coordinator/auth/gate.js'
import { assertMay } from '#coordinator/auth/permissions.js'
import type { Live, PageLink } from '#coordinator/live/live.js'
import type { Operations } from '#coordinator/ops/operations.js'
import { assertMaySend } from './admission.js'
import { answerMessages } from './answer-messages.js'
import { MessageGuard } from './guards.js'

/** A page acknowledges at once; one that is silent this long sleeps, and says what it has seen when it comes back. */
export const PAGE_SILENCE_MS = 30_000
/** Every message that a page may send. */
export const RECEIVED_FROM_PEOPLE = ['ui:watch'] as const
/** Who may ask for a list may be told that it changed. */
const CALLS: Readonly<Record<ListName, string>> = {
  runs: 'GET /api/runs',
  nodes: 'GET /api/nodes',
  operations: 'GET /api/operations',
}

export interface PeopleOptions {
  readonly live: Live
  readonly ops: Operations
  readonly onError: (error: FederationError) => void
}

/** One page of a person: it says what it watches and is told. */
export function servePerson(options: PeopleOptions, socket: Socket): void {
  const { live, ops } = options
  const entry = socket.data as Entry
  const guard = new MessageGuard(ops, () => socket.conn.close())
  const page = live.open(linkTo(socket, options))
  answerMessages(options, socket, (name, value) =>
    guard.run(`/ui ${name}`, value, async () => {
      assertMaySend(entry, '/ui', name)
      const wanted = unwrap(parseUiMessage('ui:watch', value))
      for (const list of wanted.lists) assertMay(entry.who, CALLS[list])
      return { ok: true, lost: await page.watch(wanted) }
    }),
  )
  socket.on('disconnect', () => {
    guard.end()
    page.end()
  })
}

function linkTo(socket: Socket, { ops, onError }: PeopleOptions): PageLink {
  /** What waits for the page to acknowledge; one listener for all, since a page may watch many things. */
  const waiting = new Set<() => void>()
  socket.on('disconnect', () => {
    for (const gone of [...waiting]) gone()
  })
  return {
    send: (name, message) =>
      new Promise((resolve, reject) => {
        const settle = (): void => {
          silence.cancel()
          waiting.delete(gone)
        }
        const gone = (): void => {
          settle()
          reject(new FederationError('coordinator/unreachable', `No answer to ${name}`))
        }
        const silence = ops.clock.after(PAGE_SILENCE_MS, gone)
        waiting.add(gone)
        socket.emit(name, message, () => {
          settle()
          resolve()
        })
      }),
    drop: (cause) => {
      const error = asFederationError(cause)
      if (error.code !== 'coordinator/unreachable') onError(error)
      socket.conn.close()
    },
  }
}

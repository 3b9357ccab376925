import type { JsonObject } from '#protocol/json.js'
import type { Act, AuditLog, Outcome } from '#coordinator/audit/audit-log.js'
import { OPERATOR } from '#coordinator/auth/operator.js'
import type { Claims } from '#coordinator/auth/tokens.js'
import type { Clock } from '#coordinator/clock.js'
import type { Call } from './call.js'

/** How a call is written down. */
export interface ActKind {
  readonly action: string
  /** 'failures': a success changes nothing, but who tries in vain should be seen. */
  readonly logged: 'always' | 'failures'
  /** Keys of the body that are worth keeping. Never a secret. */
  readonly keys: readonly string[]
}
const act = (action: string, keys: readonly string[] = []): ActKind => ({
  ...{ action, logged: 'always', keys },
})
const attempt = (action: string, keys: readonly string[] = []): ActKind => ({
  ...{ action, logged: 'failures', keys },
})

/** Every call that changes something, or exports something; a string says why another needs no entry. */
export const ACTS: ReadonlyMap<string, ActKind | string> = new Map<string, ActKind | string>([
  ['POST /api/enrol', act('node.enrol', ['name'])],
  ['POST /api/challenge', 'a challenge by itself opens nothing'],
  ['POST /api/node-key', act('node.new-key', ['nodeId'])],
  ['POST /api/token', attempt('node.sign-in', ['nodeId'])],
  ['POST /api/sign-in', act('user.sign-in', ['name'])],
  ['POST /api/renew', attempt('user.renew')],
  ['POST /api/sign-out', act('user.sign-out')],
  ['POST /api/password', act('user.new-password')],
  ['POST /api/users', act('user.add', ['name', 'role'])],
  ['POST /api/users/:id/code', act('user.new-code')],
  ['POST /api/users/:id/role', act('user.new-role', ['role'])],
  ['POST /api/users/:id/revoke', act('user.revoke')],
  ['POST /api/runs', act('run.start')],
  ['POST /api/runs/:id/stop', act('run.stop')],
  ['POST /api/runs/:id/resume', act('run.resume')],
  ['POST /api/runs/:id/audit-override', act('run.audit-override', ['reason'])],
  ['GET /api/runs/:id/model', act('run.export')],
  ['POST /api/nodes/invite', act('node.invite', ['minutes'])],
  ['POST /api/nodes/:id/revoke', act('node.revoke')],
  ['PUT /api/blobs/:hash', 'bytes alone change nothing: the run that starts from them is an act'],
])

/** What is left out of failed tries by people who are not known is counted, so that nobody can fill the disk with them. */
const TRIES = { most: 120, windowMs: 60_000 }

/** Writes what callers do into the audit log. */
export class ActLog {
  readonly #log: AuditLog
  readonly #clock: Clock
  #windowFrom = -Infinity
  #tries = 0
  #leftOut = 0

  constructor(log: AuditLog, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  /** Does the work of a call, with its entries around it if it is an act. */
  async around<T extends object | 'sent'>(
    route: string,
    call: Call,
    work: () => Promise<T>,
  ): Promise<T> {
    const kind = ACTS.get(route)
    if (kind === undefined || typeof kind === 'string') return work()
    const entry = entryOf(kind, call)
    if (call.who !== null) return this.#log.around(entry, work, outcomeOf(entry))
    return this.#aroundStranger(kind, entry, work)
  }

  async #aroundStranger<T extends object | 'sent'>(
    { logged }: ActKind,
    entry: Act,
    work: () => Promise<T>,
  ): Promise<T> {
    const hasRoom = await this.#takeTry()
    if (hasRoom && logged === 'always') {
      const value = await this.#log.around(entry, work, outcomeOf(entry))
      this.#tries -= 1
      return value
    }
    let value: T
    try {
      value = await work()
    } catch (cause) {
      if (hasRoom) await this.#log.write('failed', entry)
      else this.#leftOut += 1
      throw cause
    }
    if (hasRoom) this.#tries -= 1
    if (logged === 'always') await this.#log.write('done', { ...entry, ...outcomeOf(entry)(value) })
    return value
  }

  /** Whether there is room for one more try in this window; tells what was left out of the last. */
  async #takeTry(): Promise<boolean> {
    const now = this.#clock.now()
    if (now - this.#windowFrom >= TRIES.windowMs) {
      const count = this.#leftOut
      this.#windowFrom = now
      this.#tries = 0
      this.#leftOut = 0
      if (count > 0)
        await this.#log.write('failed', {
          ...{ actor: 'anyone', action: 'tries.left-out', subject: null, data: { count } },
        })
    }
    if (this.#tries >= TRIES.most) return false
    this.#tries += 1
    return true
  }
}

/** Who calls, as the log names them. */
export function actorOf(who: Claims | null): string {
  if (who === null) return 'anyone'
  if (who.audience === 'fl-client') return `node:${who.subject}`
  return who.subject === OPERATOR ? 'operator' : `user:${who.subject}`
}

function entryOf({ action, keys }: ActKind, { who, params, body, request }: Call): Act {
  const kept: Record<string, string | number> = {}
  const given = Object.entries(typeof body === 'object' && body !== null ? body : {})
  for (const [key, value] of given as readonly (readonly [string, unknown])[])
    if (keys.includes(key) && (typeof value === 'string' || typeof value === 'number'))
      kept[key] = value
  const from: JsonObject = who === null ? { address: request.ip ?? '' } : {}
  const data = { ...kept, ...from }
  return { actor: actorOf(who), action, subject: params['id'] ?? params['name'] ?? null, data }
}

/** What a call made has an id, or a name: that is what it was about. */
const outcomeOf =
  ({ subject }: Act) =>
  (answer: object | 'sent'): Outcome => {
    const { runId, nodeId, name } = (answer === 'sent' ? {} : answer) as Readonly<
      Record<string, unknown>
    >
    const made = [runId, nodeId, name].find((id) => typeof id === 'string')
    return { subject: typeof made === 'string' ? made : subject }
  }

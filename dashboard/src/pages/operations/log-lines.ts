import { z } from 'zod'
import type { HttpAnswer } from '#protocol/http-api.js'

type Entry = HttpAnswer<'GET /api/log'>['entries'][number]

/** done, failed: what came of it is known. open: it was begun, and its outcome is in no entry that is here. */
export type LogOutcome = 'done' | 'failed' | 'open'
/** One act: its intent, and what came of it. */
export interface LogLine {
  /** Of its first entry. */
  readonly seq: number
  readonly at: string
  readonly actor: string
  /** What was done, as it completes a sentence that begins with who did it. */
  readonly words: string
  readonly outcome: LogOutcome
  /** Whatever else was written down. */
  readonly details: string
}

const entrySchema = z.looseObject({
  seq: z.int().min(1),
  // One that was tampered with may say anything.
  at: z.string().refine((at) => !Number.isNaN(Date.parse(at))),
  actor: z.string(),
  action: z.string(),
  phase: z.enum(['intent', 'done', 'failed']),
  subject: z.string().nullable(),
  data: z.record(z.string(), z.json()),
})
type Written = z.infer<typeof entrySchema>

/** What a log says, latest first; of `unreadable` entries nothing can be said but how many there are. */
export function logLines(entries: readonly Entry[]): {
  readonly lines: readonly LogLine[]
  readonly unreadable: number
} {
  const written = entries.flatMap((entry) => {
    const parsed = entrySchema.safeParse(entry)
    return parsed.success ? [parsed.data] : []
  })
  const outcomes = new Map<number, Written>()
  for (const entry of written) {
    const intent = intentOf(entry)
    if (intent !== null) outcomes.set(intent, entry)
  }
  const here = new Set(written.map(({ seq }) => seq))
  const lines = written.flatMap((entry) => {
    const intent = intentOf(entry)
    // What came of an act stands in the line of the act.
    if (intent !== null && here.has(intent)) return []
    return [lineOf(entry, outcomes.get(entry.seq) ?? null)]
  })
  return { lines: lines.toReversed(), unreadable: entries.length - written.length }
}

function intentOf({ phase, data, seq }: Written): number | null {
  const { intent } = data
  return phase !== 'intent' && typeof intent === 'number' && intent < seq ? intent : null
}

function lineOf(entry: Written, outcome: Written | null): LogLine {
  const { seq, at } = entry
  // What was made has its name only in the outcome.
  const told = { ...entry, subject: outcome?.subject ?? entry.subject }
  const result = outcomeOf((outcome ?? entry).phase)
  const { intent: _, ...more } = { ...entry.data, ...(outcome?.data ?? {}) }
  return {
    ...{ seq, at, actor: actorOf(told, result), words: actWords(told, result) },
    outcome: result,
    details: Object.entries(more)
      .map(([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
      .join(', '),
  }
}
const outcomeOf = (phase: Written['phase']): LogOutcome => (phase === 'intent' ? 'open' : phase)

type Told = Pick<Written, 'actor' | 'action' | 'subject' | 'data'>
/** By which somebody whom nobody knew shows who they are. */
const ENTRIES: ReadonlySet<string> = new Set(['user.sign-in', 'node.enrol'])
const hasEntered = ({ actor, action, subject }: Told, outcome: LogOutcome): boolean =>
  actor === 'anyone' && outcome === 'done' && subject !== null && ENTRIES.has(action)

function actorOf(told: Told, outcome: LogOutcome): string {
  const { actor, subject } = told
  if (hasEntered(told, outcome)) return subject ?? actor
  return actor.replace(/^(user|node):/, '')
}

const WORDS: Readonly<Record<string, (about: string, data: Told['data']) => string>> = {
  'user.sign-in': () => 'signed in',
  'user.sign-out': () => 'signed out',
  'user.renew': () => 'went on with a session',
  'user.new-password': () => 'chose a new password',
  'user.add': (who, { role }) => `added ${who}${typeof role === 'string' ? ` as ${role}` : ''}`,
  'user.new-code': (who) => `gave a new code to ${who}`,
  'user.new-role': (who, { role }) =>
    `gave ${who} ${typeof role === 'string' ? `the role ${role}` : 'another role'}`,
  'user.revoke': (who) => `revoked ${who}`,
  'node.invite': () => 'invited a node',
  'node.enrol': (node) => `enrolled ${node}`,
  'node.new-key': (node) => `gave ${node} a new key`,
  'node.sign-in': (node) => `came as ${node}`,
  'node.revoke': (node) => `revoked ${node}`,
  'run.start': (run) => `started ${run}`,
  'run.stop': (run) => `stopped ${run}`,
  'run.resume': (run) => `resumed ${run}`,
  'run.export': (run) => `exported the model of ${run}`,
  'run.audit-override': (run) => `let ${run} start in spite of its audit`,
  'coordinator.start': () => 'started',
  'store.backup': () => 'made a backup',
  'tries.left-out': () => 'tried in vain more often than is written down',
}
/** What has no name yet, as that which was refused. */
const somethingOf = (action: string): string =>
  action.startsWith('run.') ? 'a run' : action.startsWith('node.') ? 'a node' : 'somebody'

/** Of an act that is not known here: as it is written. */
function actWords(told: Told, outcome: LogOutcome): string {
  const { action, subject, data } = told
  if (action === 'node.enrol' && hasEntered(told, outcome)) return 'enrolled as a node'
  const words = Object.hasOwn(WORDS, action) ? WORDS[action] : undefined
  if (words !== undefined) return words(subject ?? somethingOf(action), data)
  return subject === null ? action : `${action} ${subject}`
}

/** What happened in a run, in sentences. Names come from the roster: events know members by number. */
import { levelText, type AuditLevel } from '#protocol/audit-level.js'
import type { JsonObject, JsonValue } from '#protocol/json.js'
import { countsOf, type RoundRecord } from '#protocol/record.js'
import type { RunEvent } from '#protocol/ui-messages.js'
import { bytes, count, duration, number, percent } from '../../look/format.js'
import type { Tone } from '../../parts/mark.js'
import { codeWords } from './code-words.js'

/** Kinds of events, for who looks for some of them. */
export const EVENT_KINDS = ['run', 'rounds', 'members', 'audit'] as const
export type EventKind = (typeof EVENT_KINDS)[number]

export interface Sentence {
  readonly kind: EventKind
  readonly tone: Tone
  readonly text: string
  /** What else there is to know: a reason, a message, numbers. */
  readonly more: string | null
}
/** What a member is called; of one that is not known (yet), its number. */
export type NameOf = (slot: number) => string

/** Of an event that this page does not know, its type. */
export function sentenceOf({ type, data }: RunEvent, nameOf: NameOf): Sentence {
  const write = SENTENCES[type]
  return {
    kind: kindOf(type),
    ...(write === undefined ? { tone: 'neutral', text: type, more: null } : write(data, nameOf)),
  }
}

export function kindOf(type: string): EventKind {
  if (type.startsWith('round:')) return 'rounds'
  if (type.startsWith('audit:')) return 'audit'
  return type.startsWith('run:') ? 'run' : 'members'
}

type Told = Omit<Sentence, 'kind'>
type Write = (data: JsonObject, nameOf: NameOf) => Told

const say = (tone: Tone, text: string, more: string | null = null): Told => ({ tone, text, more })

const SENTENCES: Readonly<Partial<Record<string, Write>>> = {
  'run:started': ({ engine }) => say('accent', 'The run was started', engineText(engine)),
  'run:waiting': ({ reason }) => say('warn', 'The run waits for members', textOf(reason)),
  'run:resumed': ({ round }) => say('accent', `The run goes on with round ${numberText(round)}`),
  'run:finished': () => say('good', 'The run has finished'),
  'run:stopped': ({ reason }) => say('warn', 'The run was stopped', textOf(reason)),
  'run:failed': ({ reason }) => say('bad', 'The run has failed', textOf(reason)),
  'audit:progress': ({ done, total, secondsLeft }) =>
    say(
      'accent',
      `The privacy audit has done ${numberText(done)} of ${numberText(total)} parts`,
      typeof secondsLeft === 'number' ? `About ${duration(secondsLeft)} left` : null,
    ),
  'audit:finished': auditSentence,
  'round:opened': openedSentence,
  'round:waiting-for': ({ round, slots }, nameOf) =>
    say('warn', `Round ${numberText(round)} waits for ${membersText(slots, nameOf)} to come back`),
  'round:closed': ({ record }) => closedSentence(record as unknown as RoundRecord),
  'round:abandoned': ({ round, attempt, reason }) =>
    say(
      'warn',
      `Attempt ${numberText(attempt)} at round ${numberText(round)} was given up`,
      textOf(reason),
    ),
  'update:accepted': ({ round, slot, weight }, nameOf) =>
    say(
      'neutral',
      `The update of ${memberText(slot, nameOf)} counts in round ${numberText(round)}`,
      typeof weight === 'number' ? `Weight ${count(weight)}` : null,
    ),
  'update:refused': ({ round, slot, code, message }, nameOf) =>
    say(
      code === 'round/closed' ? 'warn' : 'bad',
      `The update of ${memberText(slot, nameOf)} does not count in round ${numberText(round)}: ${codeWords(textOf(code) ?? 'no reason told', 'refused')}`,
      textOf(message),
    ),
  'task:failed': ({ round, slot, code, message }, nameOf) =>
    say(
      code === 'round/closed' ? 'warn' : 'bad',
      `${capital(memberText(slot, nameOf))} did not answer in round ${numberText(round)}: ${codeWords(textOf(code) ?? 'no reason told', 'failed')}`,
      textOf(message),
    ),
  'member:cooling-down': ({ name, failures, seconds, reason }) =>
    say(
      'warn',
      typeof name === 'string' && typeof seconds === 'number'
        ? `${name} is not asked for ${duration(seconds)}, as it failed ${numberText(failures)} times in a row`
        : 'A node that failed several times in a row is not asked for a while',
      textOf(reason),
    ),
  'member:refused': ({ name, code, message }) =>
    say(
      'warn',
      `${textOf(name) ?? 'A node'} cannot be a member: ${codeWords(textOf(code) ?? 'no reason told', 'refused')}`,
      textOf(message),
    ),
}

const PURPOSES: Readonly<Record<string, string>> = {
  train: 'train',
  transfer: 'take over what was learnt',
  statistics: 'send statistics',
  evaluate: 'score the model',
}
function openedSentence({ round, attempt, purpose, cohort, deadlineSeconds }: JsonObject): Told {
  const asked = Array.isArray(cohort) ? cohort.length : cohort
  const task = PURPOSES[textOf(purpose) ?? ''] ?? 'answer'
  const times = attempt === 1 ? '' : `, attempt ${numberText(attempt)}`
  return say(
    'accent',
    `Round ${numberText(round)} opened${times}: ${plural(asked, 'member is', 'members are')} asked to ${task}`,
    typeof deadlineSeconds === 'number' ? `For ${duration(deadlineSeconds)} at most` : null,
  )
}

function closedSentence(record: RoundRecord): Told {
  const { round, metrics, durationMs, bytesUp, bytesDown } = record
  const { asked, accepted } = countsOf(record)
  const { accuracy, loss } = metrics
  if (round === 0) return say('good', 'The model was scored before the first round', scores())
  return say(
    'good',
    `Round ${round} closed after ${duration(durationMs / 1000)}: ${accepted} of ${asked} reported`,
    [scores(), `${bytes(bytesUp)} up`, `${bytes(bytesDown)} down`]
      .filter((part) => part !== null)
      .join(' · '),
  )
  function scores(): string | null {
    const told = [
      ...(accuracy === undefined ? [] : [`accuracy ${percent(accuracy)}`]),
      ...(loss === undefined ? [] : [`loss ${number(loss)}`]),
    ]
    return told.length === 0 ? null : capital(told.join(' · '))
  }
}

function auditSentence({ verdict, isSound, because, obstacles }: JsonObject): Told {
  if (isSound === false) {
    const why = Array.isArray(obstacles) ? obstacles.map(String).join('; ') : ''
    return say('bad', 'The privacy audit proves nothing', why)
  }
  const text = levelText((textOf(verdict) ?? 'not told') as AuditLevel)
  return say('accent', `The privacy audit came to its verdict: ${text}`, textOf(because))
}

const textOf = (value: JsonValue | undefined): string | null =>
  typeof value === 'string' && value !== '' ? value : null
const numberText = (value: JsonValue | undefined): string =>
  typeof value === 'number' ? count(value) : '?'
const plural = (value: JsonValue | undefined, one: string, many: string): string =>
  `${numberText(value)} ${value === 1 ? one : many}`
const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)
/** Nobody is named where privacy settings hide who takes part. */
const memberText = (slot: JsonValue | undefined, nameOf: NameOf): string =>
  typeof slot === 'number' ? nameOf(slot) : 'a member'
const FEW = 3
function membersText(slots: JsonValue | undefined, nameOf: NameOf): string {
  if (!Array.isArray(slots)) return plural(slots, 'member', 'members')
  const names = slots.filter((slot) => typeof slot === 'number').map((slot) => nameOf(slot))
  return names.length <= FEW ? names.join(', ') : `${names.length} members`
}
function engineText(engine: JsonValue | undefined): string | null {
  const { backend } = (engine ?? {}) as { readonly backend?: unknown }
  return typeof backend === 'string' ? `Computes with ${backend}` : null
}

import { auditEventText } from './audit-gate-text.js'
import { coolDownText } from './cool-down-text.js'
import type { RunEvent } from './progress.js'

type Data = RunEvent['data']

/**
 * The lines that people see of an event, beside those of closed rounds and of the run's end. Where privacy settings hide members
 * an event says neither who nor why, but how many.
 */
export function eventLines(event: RunEvent): readonly string[] {
  const { type, data } = event
  const text = auditEventText(event) ?? TEXTS.get(type)?.(data) ?? null
  return text === null ? [] : [`  ${text}`]
}

/** Texts and numbers of an event; anything else is told by none. */
const said = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : ''
const problemText = ({ code, message }: Data): string =>
  typeof message === 'string' ? `${said(code)}: ${message}` : said(code)
const whoIn = ({ name, slot }: Data): string => {
  if (typeof name === 'string') return name
  return typeof slot === 'number' ? `slot ${slot}` : 'a member'
}
const failed = (data: Data): string => `${whoIn(data)}: ${problemText(data)}`

const TEXTS: ReadonlyMap<string, (data: Data) => string> = new Map([
  ['run:waiting', ({ reason }: Data) => `waiting: ${said(reason)}`],
  ['update:refused', (data: Data) => `${whoIn(data)} refused: ${said(data['code'])}`],
  ['task:failed', failed],
  ['member:refused', failed],
  [
    'member:cooling-down',
    (data: Data) => ('name' in data ? coolDownText(data) : 'a member is not asked for a while'),
  ],
  ['round:waiting-for', ({ slots }: Data) => `waiting for ${thoseIn(slots)}, ${UNTIL}`],
  ['round:abandoned', ({ reason }: Data) => `round given up: ${said(reason)}`],
])
const UNTIL = 'until the deadline of the round'
const thoseIn = (slots: unknown): string =>
  Array.isArray(slots) ? `slot ${slots.join(', ')}` : `${said(slots)} members`

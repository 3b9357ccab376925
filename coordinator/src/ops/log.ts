import pino, { type DestinationStream, type Logger } from 'pino'
import { PinoPretty as pretty } from 'pino-pretty'
import { isErrorCode } from '#protocol/errors.js'

export type { Logger } from 'pino'

const LONGEST_TEXT = 1_000
const DEEPEST = 6
const MOST_ITEMS = 100
const HIDDEN = '[hidden]'
/** Fields whose values nobody needs to read: reliability specification §2, T21. */
const SECRET_FIELD =
  /^(authorization|cookie|set-cookie|.*token|.*secret|.*password|private-?key|master-?key|invitation|proof|signature|csrf.*)$/i
/** What looks like a secret wherever it stands: access tokens, what follows their scheme, one-time codes, passwords in addresses, keys. */
const SECRETS_IN_TEXT: readonly (readonly [RegExp, string])[] = [
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, HIDDEN],
  [/\b(bearer|basic) \S+/gi, `$1 ${HIDDEN}`],
  [/\b[0-9A-Z]{4}(?:-[0-9A-Z]{4}){2,}\b/g, HIDDEN],
  [/(\w+:\/\/[^\s:/@]*:)[^\s@]+@/g, `$1${HIDDEN}@`],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(-----END [A-Z ]*-----)?/g, HIDDEN],
]
/** What terminals and log viewers act on; T20. */
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

const codePoint = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Text of peers and people as it may stand in a log: no secrets, nothing that a terminal obeys, not endless. */
export function safeText(text: string): string {
  const cut = text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text
  const shown = SECRETS_IN_TEXT.reduce(
    (rest, [pattern, instead]) => rest.replace(pattern, instead),
    cut,
  )
  return shown.replace(CONTROL, codePoint)
}

/** The same of everything in an object. An error becomes its type, message, stack and cause. */
export function safeFields(
  fields: Readonly<Record<string, unknown>>,
  depth = 0,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields)
      .slice(0, MOST_ITEMS)
      .map(([name, value]) => [
        safeText(name),
        isSecret(name, value) ? HIDDEN : safe(value, depth),
      ]),
  )
}

/** `code` names an error, or lets someone in. */
function isSecret(name: string, value: unknown): boolean {
  if (name.toLowerCase() !== 'code') return SECRET_FIELD.test(name)
  return typeof value === 'string' && !isErrorCode(value) && !/^E[A-Z_]+$/.test(value)
}

function safe(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return safeText(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return value
  if (depth >= DEEPEST) return '[deeper]'
  if (value instanceof Error) return errorFields(value, depth + 1)
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (Array.isArray(value)) return value.slice(0, MOST_ITEMS).map((item) => safe(item, depth + 1))
  return safeFields(value as Record<string, unknown>, depth + 1)
}

function errorFields(error: Error, depth: number): object {
  const { name, message, stack, cause } = error
  const code: unknown = 'code' in error ? error.code : undefined
  return {
    type: safeText(name),
    ...(typeof code === 'string' ? { code: safeText(code) } : {}),
    message: safeText(message),
    // One line per frame stays readable in JSON as a list.
    stack: (stack ?? '')
      .split('\n')
      .slice(1, 12)
      .map((line) => safeText(line.trim())),
    ...(cause === undefined ? {} : { cause: safe(cause, depth) }),
  }
}

/**
 * JSON lines on standard error, one an event, written before the call returns, so that the last words of a process are not
 * lost; on a terminal, lines that people read. `level`: trace, debug, info, warn, error or silent.
 */
export function createLog(level: string, destination?: DestinationStream): Logger {
  return pino(
    {
      level,
      formatters: { log: (fields) => safeFields(fields) },
      // What was made safe is written as it is.
      serializers: { err: (fields: unknown) => fields },
    },
    destination ??
      (process.stderr.isTTY
        ? pretty({ destination: 2, sync: true, ignore: 'pid,hostname' })
        : pino.destination({ dest: 2, sync: true })),
  )
}

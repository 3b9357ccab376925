import { distance } from 'fastest-levenshtein'
import type { z } from 'zod'

type Issue = z.core.$ZodRawIssue

const LONGEST_VALUE = 60
const MOST_EDITS_PER_LETTER = 0.4
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    // Nested deeper than the stack, or no JSON at all.
    return typeof value
  }
}
/** A value in a message: as JSON, shortened. */
function show(value: unknown): string {
  const json = jsonOf(value)
  return json.length > LONGEST_VALUE ? `${json.slice(0, LONGEST_VALUE)}…` : json
}
export const pathOf = (path: readonly PropertyKey[] | undefined): string => {
  const steps = (path ?? []).map((step) =>
    typeof step === 'number' ? `[${step}]` : `.${String(step)}`,
  )
  return steps.join('').replace(/^\./, '')
}

/** The candidate that a person most likely meant; null when none is similar. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  const scored = candidates.map((candidate) => ({
    candidate,
    edits: distance(word.toLowerCase(), candidate.toLowerCase()),
  }))
  const [best] = scored.sort((a, b) => a.edits - b.edits)
  if (
    best === undefined ||
    best.edits > Math.max(1, Math.floor(word.length * MOST_EDITS_PER_LETTER))
  )
    return null
  return best.candidate
}
const suggestion = (word: string, candidates: readonly string[]): string => {
  const guess = nearest(word, candidates)
  return guess === null ? '' : `; did you mean ${guess}?`
}

function unknownKeys({ keys, input, inst, path }: Issue & { code: 'unrecognized_keys' }): string {
  const known = Object.keys((inst as z.ZodObject).def.shape)
  const values = input as unknown as Record<string, unknown>
  const sentences = keys.map((key) => {
    const place = pathOf([...(path ?? []), key])
    const hint = suggestion(key, known) || `; the keys there are ${known.join(', ')}`
    return `${place}: unknown key, with the value ${show(values[key])}${hint}`
  })
  return sentences.join('\n')
}

const KINDS: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'a text in quotes',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object {…}',
  null: 'null',
}
const UNITS: Readonly<Record<string, string>> = { string: ' characters', array: ' entries' }

function bound(sign: '≥' | '>' | '≤' | '<', limit: unknown, origin: string): string {
  return `${sign} ${String(limit)}${UNITS[origin] ?? ''}`
}
/** The value that the issue is about; for a choice its name. */
const valueOf = ({ code, input, ...issue }: Issue): unknown =>
  code === 'invalid_union' && typeof issue['discriminator'] === 'string'
    ? (input as Record<string, unknown>)[issue['discriminator']]
    : input

/** What was expected, without the place and the value. */
function expectation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return KINDS[issue.expected] ?? issue.expected
    case 'invalid_value':
      return `one of ${issue.values.map(String).join(', ')}`
    case 'too_small':
      return bound(issue.inclusive === false ? '>' : '≥', issue.minimum, issue.origin)
    case 'too_big':
      return bound(issue.inclusive === false ? '<' : '≤', issue.maximum, issue.origin)
    case 'invalid_union':
      return issue.discriminator === undefined
        ? 'another form'
        : `one of ${(issue.options as string[]).join(', ')}`
    default:
      return 'another value'
  }
}
function namesIn(issue: Issue): readonly string[] {
  if (issue.code === 'invalid_value') return issue.values.map(String)
  return issue.code === 'invalid_union' ? ((issue.options ?? []) as string[]) : []
}

/** The sentence for one problem: the path, what was expected, the value, and the nearest valid name. For zod's `error`. */
export function describeIssue(issue: Issue): string {
  if (issue.code === 'unrecognized_keys') return unknownKeys(issue)
  const place = pathOf(issue.path) || 'the configuration'
  const value = valueOf(issue)
  if (value === undefined) return `${place} is missing: expected ${expectation(issue)}`
  const hint = typeof value === 'string' ? suggestion(value, namesIn(issue)) : ''
  return `${place}: expected ${expectation(issue)}, got ${show(value)}${hint}`
}

/** A name that is in no list, as opposed to a wrong type, bound or key. */
export const isUnknownName = (issue: z.core.$ZodIssue): boolean =>
  issue.code === 'invalid_value' ||
  (issue.code === 'invalid_union' && issue.discriminator !== undefined)

import { FederationError } from '#protocol/errors.js'
import type { Transform } from './transform.js'
import { TRANSFORMS } from './transform-list.js'

/** One step of a domain, read. */
export interface ShiftStep {
  readonly transform: Transform
  /** NaN where the transform has none. */
  readonly parameter: number
}
/** What happens to the rows of a domain. `none`: no step. */
export interface Domain {
  /** As it was written; metrics carry it. */
  readonly name: string
  readonly steps: readonly ShiftStep[]
}
/** A specification such as `mixed:none,rotate=90+invert:seed=7`, read. */
export interface ShiftSpec {
  /** How domains are dealt: at random to every row, one to a client, or in proportions that differ from client to client. */
  readonly mode: 'mixed' | 'split' | 'skewed'
  /** Of `skewed`, the smaller the more do clients differ; NaN otherwise. */
  readonly alpha: number
  readonly domains: readonly Domain[]
  readonly seed: number
}

export const SHIFT_USAGE = 'mixed|split|skewed=ALPHA:DOMAIN,DOMAIN…[:seed=N]'
const STEPS = TRANSFORMS.map(({ usage }) => usage).join(', ')
/** A row's domain is kept in a byte. */
const MOST_DOMAINS = 256
/** Names of domains become part of names of metrics. */
const LONGEST_NAME = 100
const MAX_ALPHA = 1e6
/** Without plus signs: these join steps. */
const NUMBER = /^-?(?:\d+\.?\d*|\.\d+)(?:e-?\d{1,3})?$/i

function bad(spec: string, why: string): FederationError {
  return new FederationError('data/bad-shift', `Shift "${spec}": ${why}`)
}

function readMode(spec: string, text: string): Pick<ShiftSpec, 'mode' | 'alpha'> {
  if (text === 'mixed' || text === 'split') return { mode: text, alpha: Number.NaN }
  const [name, value = ''] = text.split('=', 2)
  if (name !== 'skewed') throw bad(spec, `cannot read "${text}"; expected ${SHIFT_USAGE}`)
  const alpha = NUMBER.test(value) ? Number(value) : Number.NaN
  if (alpha > 0 && alpha <= MAX_ALPHA) return { mode: 'skewed', alpha }
  throw bad(spec, `skewed needs a number above 0 and at most ${MAX_ALPHA}: skewed=0.5`)
}

function readStep(spec: string, text: string): ShiftStep {
  const at = text.indexOf('=')
  const [name, value] = at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)]
  const transform = TRANSFORMS.find((one) => one.name === name)
  if (transform === undefined)
    throw bad(spec, `cannot read "${text}"; a domain is none, or steps joined by +: ${STEPS}`)
  const { parameter, usage } = transform
  if (parameter === null) {
    if (value === null) return { transform, parameter: Number.NaN }
    throw bad(spec, `${name} takes no number, got "${text}"`)
  }
  const number = value !== null && NUMBER.test(value) ? Number(value) : Number.NaN
  if (number >= parameter.min && number <= parameter.max) return { transform, parameter: number }
  const range = `from ${parameter.min} to ${parameter.max}`
  throw bad(spec, `${name} needs a number ${range} as ${parameter.label}: ${usage}`)
}

function readDomains(spec: string, text: string): readonly Domain[] {
  const names = text.split(',')
  if (names.length > MOST_DOMAINS)
    throw bad(spec, `expected at most ${MOST_DOMAINS} domains, got ${names.length}`)
  const repeated = names.find((name, i) => names.indexOf(name) !== i)
  if (repeated !== undefined) throw bad(spec, `the domain "${repeated}" stands there twice`)
  const long = names.find((name) => name.length > LONGEST_NAME)
  if (long !== undefined) throw bad(spec, `expected domains of at most ${LONGEST_NAME} characters`)
  return names.map((name) => ({
    name,
    steps: name === 'none' ? [] : name.split('+').map((step) => readStep(spec, step)),
  }))
}

function readSeed(spec: string, parts: readonly string[]): number {
  if (parts.length === 0) return 0
  const [, digits] = /^seed=(\d{1,15})$/.exec(parts.join(':')) ?? []
  if (digits !== undefined) return Number(digits)
  throw bad(spec, `cannot read "${parts.join(':')}"; expected ${SHIFT_USAGE}`)
}

/**
 * Reads `MODE:DOMAIN,DOMAIN…[:seed=N]`; a domain is `none` or steps joined by `+`, done from left to right; seed defaults
 * to 0. Throws data/bad-shift.
 */
export function parseShift(spec: string): ShiftSpec {
  const [mode = '', domains = '', ...options] = spec.split(':')
  return {
    ...readMode(spec, mode),
    domains: readDomains(spec, domains),
    seed: readSeed(spec, options),
  }
}

/** The same domains, dealt to every row at random: for a set that belongs to no client. */
export const asMixed = (spec: ShiftSpec): ShiftSpec => ({
  ...spec,
  mode: 'mixed',
  alpha: Number.NaN,
})

/** Throws data/bad-shift when a step cannot be done to rows of this shape. */
export function checkShape({ domains }: ShiftSpec, inputShape: readonly number[]): void {
  for (const { transform } of domains.flatMap(({ steps }) => steps)) {
    const refusal = transform.refusal?.(inputShape) ?? null
    if (refusal !== null) throw new FederationError('data/bad-shift', `Cannot shift: ${refusal}`)
  }
}

/** Amounts of an audit as people read them. */
import type { AuditMethodResult } from './audit-report.js'

type Identification = NonNullable<AuditMethodResult['chosen']>['anyClass']

const MINUS = '−'
/** With a true minus sign. */
const fixed = (value: number, digits: number): string =>
  value
    .toFixed(digits)
    .replace(/^-(?=0(\.0*)?$)/, '')
    .replace('-', MINUS)

export const decibels = (value: number): string => `${fixed(value, 1)} dB`
/** A difference, with its sign. */
export const gainText = (value: number): string => {
  const text = fixed(value, 1)
  return `${text.startsWith(MINUS) || Number(text) === 0 ? '' : '+'}${text} dB`
}
export const range = ([low, high]: readonly [number, number]): string =>
  `${fixed(low, 1)} to ${fixed(high, 1)}`

/** Whole percent: there are few records. */
export const wholePercent = (share: number): string => `${Math.round(share * 100)} %`
export const percentRange = ([low, high]: readonly [number, number]): string =>
  `${Math.round(low * 100)}–${Math.round(high * 100)} %`

export const hitsText = ({ hits, of }: Identification): string => `${hits} of ${of}`
/** 1 in 100; 5 in 100. */
export const frequency = (times: number, of: number): string => `${times} in ${of}`
export const probability = (p: number): string => (p < 0.001 ? '< 0.001' : p.toFixed(3))

/** Ratios over many powers of ten: 0.012, 3.3, 250, 1.2 million. */
export function ratioText(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toPrecision(2)} million`
  if (value >= 100) return String(Math.round(value))
  return String(Number(value.toPrecision(2)))
}
/** Groups of three digits. */
export const wholeNumber = (value: number): string => value.toLocaleString('en')

export function duration(seconds: number): string {
  if (seconds < 90) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 90) return `${minutes} min`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** How many times smaller a squared error is, a gain of so many decibels. */
export const timesCloser = (gain: number): number => 10 ** (gain / 10)

export const counted = (number: number, noun: string): string =>
  `${wholeNumber(number)} ${noun}${number === 1 ? '' : 's'}`

const DAY = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' })
/** 28 November 2026. */
export const dayText = (iso: string): string => DAY.format(new Date(iso))

/** At most so many characters, ended at a word. */
export function clipped(text: string, most: number): string {
  if (text.length <= most) return text
  const cut = text.slice(0, most)
  const end = cut.lastIndexOf(' ')
  return `${cut.slice(0, end > most / 2 ? end : most)} …`
}

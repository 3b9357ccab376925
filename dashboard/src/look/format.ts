/** How numbers and times are written on pages: short, and in columns that line up. */

const whole = new Intl.NumberFormat('en')
/** 12,345 */
export const count = (value: number): string => whole.format(value)
/** 97.31 %: two decimals, so that a column lines up. */
export const percent = (share: number): string => `${(share * 100).toFixed(2)} %`

/** 80 %: along an axis. */
export const percentTick = (share: number): string => `${Number((share * 100).toPrecision(4))} %`

/** Four significant digits; powers of ten where it is very large or small. */
export function number(value: number): string {
  const size = Math.abs(value)
  if (value === 0) return '0'
  if (size >= 1e7 || size < 1e-4) return value.toExponential(2)
  return Number(value.toPrecision(4)).toString()
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']
/** 1.25 MB */
export function bytes(value: number): string {
  const power = value < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(value) / 3))
  const scaled = value / 1000 ** power
  return `${power === 0 ? scaled : scaled.toPrecision(3)} ${UNITS[power]}`
}

/** 45 s, 3 min 20 s, 2 h 05 min */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds < 10 ? Number(seconds.toFixed(1)) : Math.round(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  // Whole minutes and hours need no more.
  const rest = (part: number, unit: string): string =>
    Math.floor(part) === 0 ? '' : ` ${two(part)} ${unit}`
  const two = (part: number): string => String(Math.floor(part)).padStart(2, '0')
  if (minutes < 60) return `${minutes} min${rest(seconds % 60, 's')}`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h${rest(minutes % 60, 'min')}` : `${Math.floor(hours / 24)} d`
}

const DAY_MS = 86_400_000
/** just now, 4 min ago, 3 h ago, 12 Nov, 12 Nov 2025 */
export function ago(time: string, now: number): string {
  const ms = Math.max(0, now - Date.parse(time))
  if (ms < 45_000) return 'just now'
  if (ms < 3_600_000) return `${Math.max(1, Math.round(ms / 60_000))} min ago`
  if (ms < DAY_MS) return `${Math.round(ms / 3_600_000)} h ago`
  if (ms < 7 * DAY_MS) return `${Math.round(ms / DAY_MS)} d ago`
  const date = new Date(time)
  const isThisYear = date.getFullYear() === new Date(now).getFullYear()
  return date.toLocaleDateString('en-GB', {
    ...{ day: 'numeric', month: 'short' },
    ...(isThisYear ? {} : { year: 'numeric' }),
  })
}
/** 28 Nov 2026, 18:07:20 */
export const moment = (time: string): string =>
  new Date(time).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })

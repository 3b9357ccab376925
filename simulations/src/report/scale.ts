/** From values to axes: the unit in which a chart shows them, and round numbers at both ends. */
import { byteUnit, bytes, percent } from './numbers.js'

/** share: of 1, shown in percent; count: whole numbers. */
export type Unit = 'share' | 'number' | 'count' | 'bytes'

export interface Scale {
  /** A value times this is what the axis shows. */
  readonly factor: number
  /** Behind a number of the axis: ' %', ' MB' or nothing. */
  readonly suffix: string
  /** A single value, for tables and tooltips. */
  readonly text: (value: number) => string
}

export function scaleFor(unit: Unit, largest: number): Scale {
  switch (unit) {
    case 'share':
      return { factor: 100, suffix: ' %', text: percent }
    case 'bytes': {
      const { name, bytes: size } = byteUnit(largest)
      return { factor: 1 / size, suffix: ` ${name}`, text: bytes }
    }
    case 'count':
      return { factor: 1, suffix: '', text: String }
    case 'number':
      return { factor: 1, suffix: '', text: significant }
  }
}

/** Four significant digits and all digits before the point, never in powers of ten: 0.01234, 1.234, 12345. */
const significant = (value: number): string =>
  Math.abs(value) >= 1000
    ? value.toFixed(0)
    : value.toLocaleString('en', { maximumSignificantDigits: 4, useGrouping: false })

export interface AxisRange {
  readonly min: number
  readonly max: number
  readonly interval: number
}

const SMALLEST = 1e-12
const STEPS = [1, 2, 2.5, 5, 10]
/** Multiplying by powers of ten leaves dust in the last digits. */
const clean = (value: number): number => Number(value.toPrecision(12))

/**
 * The smallest range of about four steps of 1, 2, 2.5 or 5 times a power of ten that holds [low, high]. These steps divide
 * 100, so an axis of percentages does not pass it.
 */
export function axisRange(low: number, high: number): AxisRange {
  const size = Math.max(Math.abs(low), Math.abs(high))
  // What differs in the last digits only is drawn flat.
  const span =
    high - low > 1e-9 * size ? Math.max(high - low, SMALLEST) : size < SMALLEST ? 1 : size
  const power = 10 ** Math.floor(Math.log10(span / 4))
  const step = clean(
    power * (STEPS.find((factor) => 4 * factor * power >= span * (1 - 1e-9)) ?? 10),
  )
  const min = clean(Math.floor(clean(low / step)) * step)
  const max = clean(Math.ceil(clean(high / step)) * step)
  if (max > min) return { min, max, interval: step }
  // A flat line. Towards 0, because shares end at 1.
  return high > 0
    ? { min: clean(min - step), max, interval: step }
    : { min, max: clean(max + step), interval: step }
}

import type { AuditRow } from '#protocol/audit-report.js'
import { peaksOf } from '#protocol/audit-setups.js'
import css from './audit.module.css'

const [WIDTH, HEIGHT, PAD] = [120, 20, 5]
const x = (share: number): number => PAD + share * (WIDTH - 2 * PAD)

/**
 * How often records are recognised among their class, from 0 to 1 with its 95 % interval: ● the attack that recognises most,
 * □ the placebo that does, | chance. The numbers stand beside it.
 */
export function Recognition({ row }: { readonly row: AuditRow }) {
  const found = peaksOf(row)?.surest.sameClass ?? null
  const [placebo] = row.controls
    .filter(({ name }) => name === 'placebo')
    .toSorted((a, b) => b.sameClass.hits - a.sameClass.hits)
  if (found === null) return null
  const [low, high] = found.interval
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} aria-hidden="true">
      <line x1={x(0)} x2={x(1)} y1="17" y2="17" className={css['axis']} />
      <line
        x1={x(found.chance)}
        x2={x(found.chance)}
        y1="3"
        y2="17"
        className={css['chance-mark']}
      />
      <g className={css['found-mark']}>
        <line x1={x(low)} x2={x(high)} y1="7" y2="7" strokeWidth="2" />
        <circle cx={x(found.rate)} cy="7" r="3.5" />
      </g>
      {placebo !== undefined && (
        <rect
          x={x(placebo.sameClass.rate) - 2.5}
          y="11"
          width="5"
          height="5"
          strokeWidth="1.5"
          className={css['placebo-mark']}
        />
      )}
    </svg>
  )
}

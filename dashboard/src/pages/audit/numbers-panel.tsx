import {
  duration,
  gainText,
  hitsText,
  percentRange,
  probability,
  range,
  wholePercent,
} from '#protocol/audit-amounts.js'
import type { AuditMethodResult, AuditReport, AuditRow } from '#protocol/audit-report.js'
import { attackWords } from '#protocol/audit-words.js'
import type { ReactNode } from 'react'
import { number } from '../../look/format.js'
import { Level } from '../../parts/level.js'
import { Panel } from '../../parts/panel.js'
import { WideTable } from '../../parts/wide-table.js'
import css from './audit.module.css'
import { RowName } from './row-name.js'

const HEADS = [
  ...['Likeness, dB', 'SSIM', 'Mean gain, dB', 'Largest', 'Any class', 'Same class', 'p'],
  ...['First five', 'Rank', 'Mismatch', 'Time'],
]

/** All numbers of all attacks, a table for each row. */
export function NumbersPanel({ report }: { readonly report: AuditReport }) {
  return (
    <Panel title="Every number" isFlush>
      <p className={css['note']}>
        What the attacker would take: the result whose update is nearest to the observed one.
        Likeness is the PSNR: the median over the records, below it the largest. The mean gain has a
        95 % interval by bootstrap, recognition an exact one (Clopper and Pearson).
      </p>
      {report.rows.map((row, place) => (
        <details key={row.id} className={css['group']}>
          <summary>
            <RowName report={report} place={place} />
          </summary>
          <p className={css['note']}>
            <Level level={row.verdict} /> {row.because}
          </p>
          <Methods row={row} place={place} />
        </details>
      ))}
    </Panel>
  )
}

function Methods({ row, place }: { readonly row: AuditRow; readonly place: number }) {
  return (
    <WideTable
      caption={`Attacks on row ${place + 1}`}
      columns={[{ head: 'Attack' }, ...HEADS.map((head) => ({ head, isNumber: true }))]}
      rows={row.methods.map((method) => [attackWords(method.name).short, ...cellsOf(method)])}
    />
  )
}

const stack = (key: string, above: string, below: string): ReactNode => (
  <span key={key} className={css['stack']}>
    {above}
    <span className={css['small']}>{below}</span>
  </span>
)
const bare = (value: number): string => gainText(value).replace(' dB', '')

function cellsOf({ chosen, matchLoss, seconds }: AuditMethodResult): readonly ReactNode[] {
  const time = duration(seconds)
  if (chosen === null) return [...HEADS.slice(1).map(() => '–'), time]
  const { psnr, ssim, gain, anyClass, sameClass } = chosen
  return [
    stack('psnr', psnr.median.toFixed(1), psnr.max.toFixed(1)),
    stack('ssim', ssim.median.toFixed(2), ssim.max.toFixed(2)),
    stack('gain', bare(gain.mean), range(gain.interval)),
    bare(gain.max),
    hitsText(anyClass),
    stack('same', hitsText(sameClass), percentRange(sameClass.interval)),
    probability(sameClass.pValue),
    wholePercent(sameClass.top5),
    sameClass.meanReciprocalRank.toFixed(2),
    matchLoss === null ? '–' : number(matchLoss),
    time,
  ]
}

import {
  decibels,
  gainText,
  hitsText,
  percentRange,
  wholePercent,
} from '#protocol/audit-amounts.js'
import type { AuditReport, AuditRow } from '#protocol/audit-report.js'
import { peaksOf } from '#protocol/audit-setups.js'
import { attackWords } from '#protocol/audit-words.js'
import type { ReactNode } from 'react'
import { Level } from '../../parts/level.js'
import { Panel } from '../../parts/panel.js'
import { WideTable } from '../../parts/wide-table.js'
import css from './audit.module.css'
import { gapsOf, methodNames } from './findings.js'
import { Recognition } from './interval.js'
import { RowName } from './row-name.js'

/** The strongest of each row. */
export function StrongestPanel({ report }: { readonly report: AuditReport }) {
  return (
    <Panel title="Results" isFlush>
      <p className={css['note']}>
        An attacker chooses the attack, so a row is as bad as its worst number, whichever attack
        that is from. Recognised: how often the true record is the nearest to what the attack made,
        among others of its class, with the 95 % interval; the square is the placebo, the upright
        line chance.
      </p>
      <WideTable
        caption="The strongest attacks by row"
        columns={[
          { head: 'Row' },
          { head: 'Verdict' },
          { head: 'Closest attack' },
          ...['Likeness', 'Median gain', 'Largest gain'].map((head) => ({ head, isNumber: true })),
          { head: 'Recognised' },
          { head: 'Accuracy', isNumber: true },
        ]}
        rows={report.rows.map((row, place) => [
          <RowName key="name" report={report} place={place} />,
          <Level key="level" level={row.verdict} />,
          ...peakCells(row),
          row.utility === null ? '–' : wholePercent(row.utility),
        ])}
      />
    </Panel>
  )
}

function peakCells(row: AuditRow): readonly ReactNode[] {
  const peaks = peaksOf(row)
  if (peaks === null) return ['none gave anything', '–', '–', '–', '–']
  const { closest, largest, surest } = peaks
  return [
    <span key="closest" className={css['stack']}>
      {attackWords(closest.name).label}
      {closest.stopped !== null && <span className={css['small']}>{closest.stopped}</span>}
    </span>,
    decibels(closest.psnr),
    gainText(closest.gain.median),
    <span key="largest" className={css['stack']}>
      {gainText(largest.gain.max)}
      <span className={css['small']}>{attackWords(largest.name).short}</span>
    </span>,
    <span key="surest" className={css['interval']}>
      <Recognition row={row} />
      <span className={css['stack']}>
        {hitsText(surest.sameClass)}
        <span className={css['small']}>
          {attackWords(surest.name).short}, {percentRange(surest.sameClass.interval)}
        </span>
      </span>
    </span>,
  ]
}

/** Rows by attacks: the median gain, and how many records are recognised. */
export function MatrixPanel({ report }: { readonly report: AuditReport }) {
  const { highGain, elevatedGain } = report.thresholds
  const names = methodNames(report)
  const gaps = gapsOf(report)
  const cell = (row: AuditRow, name: string): ReactNode => {
    const chosen = row.methods.find((method) => method.name === name)?.chosen ?? null
    if (chosen === null) return '–'
    const { median } = chosen.gain
    const weight = median > highGain ? 'much' : median > elevatedGain ? 'some' : 'none'
    return (
      <span className={css['cell']} data-weight={weight}>
        <strong>{gainText(median).replace(' dB', '')}</strong>
        <span className={css['small']}>
          {chosen.sameClass.hits}/{chosen.sameClass.of}
        </span>
      </span>
    )
  }
  return (
    <Panel title="Every attack on every row" isFlush>
      <p className={css['note']}>
        Median gain in dB over the best guess without the update, and below it how many records are
        recognised. Framed: more than {decibels(elevatedGain)}; framed twice: more than{' '}
        {decibels(highGain)}. –: not tried, or without a result.
      </p>
      <WideTable
        caption="Every attack on every row"
        columns={[
          { head: 'Row' },
          ...names.map((name) => ({ head: attackWords(name).short, isNumber: true })),
        ]}
        rows={report.rows.map((row, place) => [
          <RowName key="name" report={report} place={place} />,
          ...names.map((name) => cell(row, name)),
        ])}
      />
      {gaps.length > 0 && (
        <details className={css['group']}>
          <summary>Why some gave nothing</summary>
          <ul className={`${css['list'] ?? ''} ${css['note'] ?? ''}`}>
            {gaps.map((gap) => (
              <li key={gap}>{gap}</li>
            ))}
          </ul>
        </details>
      )}
    </Panel>
  )
}

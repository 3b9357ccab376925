import {
  decibels,
  hitsText,
  percentRange,
  probability,
  wholePercent,
} from '#protocol/audit-amounts.js'
import type { AuditReport, LabelRule } from '#protocol/audit-report.js'
import { attackWords, CONTROL_WORDS } from '#protocol/audit-words.js'
import { Panel } from '../../parts/panel.js'
import { WideTable } from '../../parts/wide-table.js'
import css from './audit.module.css'
import { RowName } from './row-name.js'

/** What attacks are held against. */
export function ControlPanel({ report }: { readonly report: AuditReport }) {
  const names = [
    ...new Set(report.rows.flatMap(({ controls }) => controls.map(({ name }) => name))),
  ]
  if (names.length === 0) return null
  const rows = report.rows.flatMap(({ controls }, place) =>
    controls.map(({ name, method, psnr, anyClass, sameClass }) => [
      <span key="name" className={css['row']}>
        <span>{place + 1}</span>
        <span>
          {CONTROL_WORDS[name].label}
          {method !== null && ` (${attackWords(method).short})`}
        </span>
      </span>,
      decibels(psnr.median),
      decibels(psnr.max),
      hitsText(anyClass),
      hitsText(sameClass),
      percentRange(sameClass.interval),
      probability(sameClass.pValue),
    ]),
  )
  return (
    <Panel title="Guesses without the update" isFlush>
      <p className={css['note']}>
        {names
          .map((name) => `${CONTROL_WORDS[name].label}: ${CONTROL_WORDS[name].does}.`)
          .join(' ')}{' '}
        {report.isSound
          ? 'The placebo recognised records no more often than chance does, so what attacks recognised is owed to the update.'
          : 'The audit proves nothing: the first part of the page says why.'}
      </p>
      <WideTable
        caption="Guesses without the update by row"
        columns={[
          { head: 'Row and guess' },
          ...['Median likeness', 'Largest', 'Any class', 'Same class', '95 % interval', 'p'].map(
            (head) => ({ head, isNumber: true }),
          ),
        ]}
        rows={rows}
      />
    </Panel>
  )
}

const RULE_WORDS: Readonly<Record<LabelRule, string>> = {
  bias: 'sign of the last bias gradient',
  'inner-product': 'products of the last columns',
  counts: 'counts from the last bias gradient',
  'column-counts': 'counts from the last column sums',
  'public-shares': 'shares in public data',
  greedy: 'bias gradient alone',
  minimum: 'least entries of columns',
}

export function LabelPanel({ report }: { readonly report: AuditReport }) {
  return (
    <Panel title="Labels" isFlush>
      <p className={css['note']}>
        How many labels of the records whoever reads an update infers from it alone. For a patient’s
        record a label may be a diagnosis: it counts although nobody sees the record.
      </p>
      <WideTable
        caption="Labels by row"
        columns={[
          { head: 'Row' },
          ...['Inferred', 'All right', 'By chance', 'p', 'Certain'].map((head) => ({
            head,
            isNumber: true,
          })),
          { head: 'Read off' },
        ]}
        rows={report.rows.map(
          ({ labelRecovery: { rate, exact, chance, pValue, certain, rules } }, place) => [
            <RowName key="name" report={report} place={place} />,
            wholePercent(rate),
            wholePercent(exact),
            wholePercent(chance),
            probability(pValue),
            wholePercent(certain),
            rules.map((rule) => RULE_WORDS[rule]).join('; '),
          ],
        )}
      />
    </Panel>
  )
}

import { dayText, decibels } from '#protocol/audit-amounts.js'
import type { AuditReport } from '#protocol/audit-report.js'
import { rowLabel } from '#protocol/audit-setups.js'
import { attackWords, CONTROL_WORDS } from '#protocol/audit-words.js'
import { useState } from 'react'
import { Choice } from '../../parts/choice.js'
import { Panel } from '../../parts/panel.js'
import { WideTable } from '../../parts/wide-table.js'
import css from './audit.module.css'

type Pictures = NonNullable<AuditReport['pictures']>
type Picture = Pictures['byRow'][number]['pictures'][number]

const wordsOf = (method: string): { readonly label: string; readonly short: string } =>
  Object.hasOwn(CONTROL_WORDS, method)
    ? CONTROL_WORDS[method as keyof typeof CONTROL_WORDS]
    : attackWords(method)

/** Records and what attacks made of them, side by side; one row of the report at a time. */
export function PicturesPanel({
  report,
  pictures,
}: {
  readonly report: AuditReport
  readonly pictures: Pictures
}) {
  const stored = pictures.byRow.filter((byRow) => byRow.pictures.length > 0)
  const [chosen, setChosen] = useState(stored[0]?.row ?? '')
  const shown = stored.find(({ row }) => row === chosen)?.pictures ?? []
  const methods = [
    ...new Set(shown.flatMap(({ reconstructions }) => reconstructions.map(({ method }) => method))),
  ]
  const items = stored.map(({ row }) => ({ id: row, label: nameOf(report, row) }))
  return (
    <Panel
      title="Pictures"
      note={`to be deleted by ${dayText(pictures.retainUntil)}`}
      actions={<Choice label="Row" items={items} value={chosen} onChange={setChosen} />}
      isFlush
    >
      <WideTable
        caption="Records and what attacks made of them"
        columns={[
          { head: 'Made by' },
          ...shown.map(({ record }) => ({ head: `Record ${record + 1}` })),
        ]}
        rows={[
          [
            'the record itself',
            ...shown.map(({ record, truth }) => (
              <span key={record} className={css['made']}>
                <img className={css['picture']} src={truth} alt={`Record ${record + 1}`} />
              </span>
            )),
          ],
          ...methods.map((method) => [
            wordsOf(method).label,
            ...shown.map((picture) => (
              <Made key={picture.record} picture={picture} method={method} />
            )),
          ]),
        ]}
      />
    </Panel>
  )
}

function nameOf({ rows }: AuditReport, id: string): string {
  const place = rows.findIndex((row) => row.id === id)
  const row = rows[place]
  return row === undefined ? id : `${place + 1}: ${rowLabel(row, rows)}`
}

/** What an attack made of a record; the best of all that were made of it is framed. */
function Made({
  picture: { record, reconstructions },
  method,
}: {
  readonly picture: Picture
  readonly method: string
}) {
  const made = reconstructions.find((one) => one.method === method)
  if (made === undefined) return <>–</>
  const best = Math.max(...reconstructions.map(({ psnr }) => psnr))
  return (
    <span className={css['made']} data-best={made.psnr === best}>
      <img
        className={css['picture']}
        src={made.image}
        alt={`Record ${record + 1} as ${wordsOf(method).label} made it`}
      />
      {decibels(made.psnr)}
    </span>
  )
}

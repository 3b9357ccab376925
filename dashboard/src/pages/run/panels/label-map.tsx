import { useMemo, useState } from 'react'
import type { RunView } from '#protocol/run-views.js'
import { count, number, percent } from '../../../look/format.js'
import { HeatMap } from '../../../parts/heat-map.js'
import { Panel } from '../../../parts/panel.js'
import { Segments } from '../../../parts/segments.js'
import { fileName } from './file-name.js'
import { labelsOf } from './labels.js'
import css from './panels.module.css'

const SCALES = [
  { id: 'count', label: 'Examples' },
  { id: 'share', label: 'Shares' },
] as const
const whole = (share: number): string => `${Math.round(share * 100)} %`
const SHARE_RANGE = [0, 1] as const

/** Who holds how much of which class: what makes federated data differ. */
export function LabelMap({ view }: { readonly view: RunView }) {
  const [scale, setScale] = useState<'count' | 'share'>('count')
  const { roster, config, hidden } = view
  const labels = useMemo(() => labelsOf({ roster, config }), [roster, config])
  const { clients, counts, shares, silent, examples, skew } = labels
  if (clients.length === 0)
    return (
      <Panel title="Labels by client">
        {hidden.length > 0 ? (
          <p className={css['say']}>The privacy settings of this run hide what members hold.</p>
        ) : roster.length === 0 ? (
          <p className={css['say']}>No client has joined the run yet.</p>
        ) : (
          <p className={css['say']}>
            No client of this run tells how many examples it has of each class. An owner who is
            willing to joins with <code>tributary client join --share-counts</code>.
          </p>
        )}
      </Panel>
    )
  const isShare = scale === 'share'
  const notes = [
    `${count(examples)} examples`,
    ...(skew === null ? [] : [`label skew ${number(Number(skew.toFixed(3)))}`]),
    ...(silent === 0 ? [] : [`${count(silent)} clients do not tell`]),
  ]
  return (
    <HeatMap
      title="Labels by client"
      note={notes.join(' · ')}
      fileName={fileName(view, 'labels')}
      rows={clients}
      columns={config.task.classes}
      rowLabel="Client"
      columnLabel="Class"
      values={isShare ? shares : counts}
      format={isShare ? percent : count}
      tick={isShare ? whole : count}
      {...(isShare ? { range: SHARE_RANGE } : {})}
      controls={<Segments label="Values" items={SCALES} value={scale} onChange={setScale} />}
      hint={
        skew === null
          ? undefined
          : 'Label skew is 0 where all clients have the same mixture of classes, and nears 1 where each has its own.'
      }
    />
  )
}

import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import type { SignedReport } from '#protocol/audit-report.js'
import { statusQuery } from '../../server/queries.js'
import css from './audit.module.css'
import { ControlPanel, LabelPanel } from './control-panels.js'
import { NumbersPanel } from './numbers-panel.js'
import { PicturesPanel } from './pictures-panel.js'
import { MatrixPanel, StrongestPanel } from './results-panel.js'
import { sealOf } from './seal.js'
import {
  AttackerPanel,
  FingerprintPanel,
  LimitPanel,
  RulePanel,
  SettingsPanel,
  type Signer,
} from './statement-panels.js'
import { RemedyPanel, TriedPanel } from './tried-panel.js'
import { VerdictPanel, type AuditView } from './verdict-panel.js'
import { Warnings } from './warnings.js'

interface Section {
  readonly id: string
  readonly title: string
  readonly body: ReactNode
}

/** First what decides, then what it rests on. */
export function Report({
  view,
  signed,
  staleKeys,
}: {
  readonly view: AuditView
  readonly signed: SignedReport
  readonly staleKeys: readonly string[]
}) {
  const { report } = signed
  const { data: seal = null } = useQuery({
    queryKey: ['seal', signed.signature.value],
    queryFn: () => sealOf(signed),
    staleTime: Infinity,
  })
  const { data: status } = useQuery(statusQuery)
  const signer: Signer =
    status === undefined
      ? 'unknown'
      : status.auditKey === signed.signature.publicKey
        ? 'own'
        : 'other'
  const sections: readonly Section[] = [
    { id: 'results', title: 'Results', body: <StrongestPanel report={report} /> },
    ...(report.pictures === null
      ? []
      : [
          {
            ...{ id: 'pictures', title: 'Pictures' },
            body: <PicturesPanel report={report} pictures={report.pictures} />,
          },
        ]),
    { id: 'attacks', title: 'Attacks', body: <MatrixPanel report={report} /> },
    { id: 'guesses', title: 'Guesses', body: <ControlPanel report={report} /> },
    { id: 'labels', title: 'Labels', body: <LabelPanel report={report} /> },
    { id: 'numbers', title: 'Every number', body: <NumbersPanel report={report} /> },
    { id: 'rules', title: 'Rules', body: <RulePanel report={report} /> },
    { id: 'attacker', title: 'Attacker', body: <AttackerPanel report={report} /> },
    { id: 'settings', title: 'Settings', body: <SettingsPanel report={report} /> },
    {
      ...{ id: 'fingerprint', title: 'Fingerprint' },
      body: <FingerprintPanel signed={signed} seal={seal} signer={signer} />,
    },
  ]
  return (
    <div className={css['page']}>
      <div className={css['notices']}>
        <Warnings view={view} report={report} seal={seal} staleKeys={staleKeys} />
      </div>
      <VerdictPanel view={view} report={report} />
      <div className={css['columns']}>
        <TriedPanel report={report} />
        <RemedyPanel report={report} />
      </div>
      <LimitPanel report={report} />
      <nav className={css['nav']} aria-label="Evidence">
        {sections.map(({ id, title }) => (
          <a key={id} href={`#${id}`}>
            {title}
          </a>
        ))}
      </nav>
      {sections.map(({ id, body }) => (
        <div key={id} id={id} className={css['anchor']}>
          {body}
        </div>
      ))}
    </div>
  )
}

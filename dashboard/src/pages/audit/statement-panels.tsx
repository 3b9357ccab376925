import { decibels, duration } from '#protocol/audit-amounts.js'
import type { AuditReport, SignedReport } from '#protocol/audit-report.js'
import { attackWords } from '#protocol/audit-words.js'
import { ShieldAlert, ShieldCheck, ShieldQuestionMark, type LucideIcon } from 'lucide-react'
import { CopyField } from '../../parts/copy.js'
import { Facts } from '../../parts/facts.js'
import { Mark, type Tone } from '../../parts/mark.js'
import { Panel } from '../../parts/panel.js'
import css from './audit.module.css'
import { leavesOf, methodNames } from './findings.js'
import type { Seal } from './seal.js'

export function AttackerPanel({ report }: { readonly report: AuditReport }) {
  return (
    <Panel title="The attacker">
      <Facts isWide items={report.threatModel.map(({ knob, value }) => [knob, value] as const)} />
    </Panel>
  )
}

export function LimitPanel({ report: { limitations } }: { readonly report: AuditReport }) {
  return (
    <Panel title="What this cannot say">
      <ul className={css['list']}>
        {limitations.map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
    </Panel>
  )
}

/** From where on numbers count as a level, and what the attacks are. */
export function RulePanel({ report }: { readonly report: AuditReport }) {
  const { thresholds } = report
  const { analyticResidual, certainGain, highGain, highIdentification } = thresholds
  const { elevatedGain, elevatedIdentification, labelPValue } = thresholds
  return (
    <Panel title="How a verdict is reached">
      <div className={css['texts']}>
        <Facts
          items={[
            [
              'Certain',
              `A record follows from the update by a formula (relative error below ${analyticResidual}), or every record is recognised among its class and half of them gain more than ${decibels(certainGain)}`,
            ],
            [
              'High',
              `The whole 95 % interval of recognition lies above ${highIdentification} times chance, or one record gains more than ${decibels(highGain)}`,
            ],
            [
              'Elevated',
              `The interval lies above ${elevatedIdentification === 1 ? 'chance' : `${elevatedIdentification} times chance`}, half of the records gain more than ${decibels(elevatedGain)}, or labels are inferred more often than by chance (p below ${labelPValue})`,
            ],
            ['Not demonstrated', 'None of this, with these attacks and this budget'],
          ]}
        />
        <ul className={css['list']}>
          {methodNames(report).map((name) => {
            const { label, does, source } = attackWords(name)
            return (
              <li key={name}>
                <strong>{label}</strong> {does} <span className={css['small']}>({source})</span>
              </li>
            )
          })}
        </ul>
      </div>
    </Panel>
  )
}

export function SettingsPanel({ report: { settings } }: { readonly report: AuditReport }) {
  return (
    <Panel title="Settings that were audited" note="a run with others makes the report stale">
      <Facts
        isWide
        items={leavesOf(settings).map(
          ([key, value]) =>
            [
              key,
              <code key="value" className={css['code']}>
                {value}
              </code>,
            ] as const,
        )}
      />
    </Panel>
  )
}

/** own: signed by this coordinator. */
export type Signer = 'own' | 'other' | 'unknown'
const SIGNERS: Readonly<Record<Signer, string>> = {
  own: 'this coordinator',
  other: 'somebody else, whose key this coordinator trusts',
  unknown: '…',
}
const SEALS: Readonly<
  Record<Seal, { readonly words: string; readonly tone: Tone; readonly icon: LucideIcon }>
> = {
  valid: { words: 'Fits the report', tone: 'good', icon: ShieldCheck },
  broken: { words: 'Does not fit the report', tone: 'bad', icon: ShieldAlert },
  unchecked: {
    words: 'This browser cannot check it; tributary audit verify can',
    tone: 'neutral',
    icon: ShieldQuestionMark,
  },
}

export function FingerprintPanel({
  signed: { report, signature },
  seal,
  signer,
}: {
  readonly signed: SignedReport
  readonly seal: Seal | null
  readonly signer: Signer
}) {
  const { engine, generator } = report
  const look = seal === null ? null : SEALS[seal]
  const code = (text: string) => <code className={css['code']}>{text}</code>
  return (
    <Panel title="Fingerprint and signature">
      <div className={css['texts']}>
        <Facts
          isWide
          items={[
            look !== null && [
              'Signature',
              <Mark key="seal" tone={look.tone} icon={look.icon}>
                {look.words}
              </Mark>,
            ],
            ['Signed by', SIGNERS[signer]],
            ['Settings', code(report.settingsHash)],
            ['Configuration of the audit', code(report.auditHash)],
            ['Model', code(report.modelHash)],
            generator !== null && [
              'Generator',
              <span key="generator">
                {generator.name}, {code(generator.hash)}
              </span>,
            ],
            ['Public data', report.auxiliary],
            ['Seed of the audit, of the run', `${report.seed}, ${report.runSeed}`],
            [
              'Computed by',
              `Tributary ${report.version}, ${engine.backend} (${engine.version}), ${engine.threads} ${engine.threads === 1 ? 'thread' : 'threads'}`,
            ],
            ['Machine', report.hardware],
            ['Duration', duration(report.seconds)],
            ['Made', report.createdAt],
          ]}
        />
        <CopyField label="Key" text={signature.publicKey} />
        <CopyField
          label="Command that checks the report"
          text="tributary audit verify report.json"
        />
      </div>
    </Panel>
  )
}

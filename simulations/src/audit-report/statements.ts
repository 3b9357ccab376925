/** What a report states about itself: who the attacker is, what it cannot say, which settings it is about, how to check it. */
import type { AuditReport, SignedReport } from '#protocol/audit-report.js'
import { canonicalJson, type JsonValue } from '#protocol/json.js'
import { html, table, type Cell, type Html } from '../report/html.js'
import type { Section } from '../report/page-parts.js'
import { decibels, duration, wholeNumber } from '#protocol/audit-amounts.js'
import { budgetWords } from './effort.js'
import { keyPrint, sealOf, sealWords } from './seal.js'

const pairs = (
  caption: string,
  heads: readonly [string, string],
  rows: readonly (readonly [string, Cell])[],
): Html =>
  table(
    caption,
    heads.map((head) => ({ head })),
    rows,
  )
const code = (text: string): Html => html`<code>${text}</code>`

export function threatSection({ threatModel }: AuditReport): Section {
  return {
    title: 'The attacker',
    note: 'Someone who follows the protocol and reads: the coordinator, or whoever can read one client’s update. It knows the model before and after, the configuration, every transform with its options, and public data. It does not know the records, their order, or the client’s random numbers. One that changes the model to draw records out is not covered.',
    body:
      threatModel.length === 0
        ? html``
        : pairs(
            'What the attacker knows',
            ['what', 'in this audit'],
            threatModel.map(({ knob, value }) => [knob, value]),
          ),
  }
}

export const limitationSection = ({ limitations }: AuditReport): Section => ({
  title: 'Limitations',
  body: html`<ul>
    ${limitations.map((text) => html`<li>${text}</li>`)}
  </ul>`,
})

export function settingsSection({ settings }: AuditReport): Section {
  return {
    title: 'Settings that were audited',
    note: 'A run with other settings is not covered: the report is stale for it. Everything else of a configuration may change.',
    body: pairs(
      'Audited settings by key',
      ['key', 'value'],
      leaves(settings as unknown as JsonValue, '').map(([key, value]) => [key, code(value)]),
    ),
  }
}
/** Paths of keys with their values, the same in whatever order a file has them. */
function leaves(value: JsonValue, path: string): readonly (readonly [string, string])[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [[path, canonicalJson(value)]]
  return Object.entries(value)
    .toSorted(([a], [b]) => Number(b === 'name') - Number(a === 'name') || (a < b ? -1 : 1))
    .flatMap(([key, inner]) => leaves(inner, path === '' ? key : `${path}.${key}`))
}

export function fingerprintSection(signed: SignedReport): Section {
  const { report, signature } = signed
  const { engine, records, generator } = report
  const rows: readonly (readonly [string, Cell])[] = [
    ['settings of the run', code(report.settingsHash)],
    ['configuration of the audit', code(report.auditHash)],
    ['model', code(report.modelHash)],
    ...generatorRows(generator),
    ['records', `${records.description} (${records.count}, among ${records.candidates})`],
    ['public data', report.auxiliary],
    ['seed of the audit, of the run', `${report.seed}, ${report.runSeed}`],
    ['budget', budgetWords(report)],
    [
      'computed by',
      `tributary ${report.version}, ${engine.backend} (${engine.version}), ${engine.threads === 1 ? '1 thread' : `${engine.threads} threads`}`,
    ],
    ['machine', report.hardware],
    ['duration', `${duration(report.seconds)} (${wholeNumber(Math.round(report.seconds))} s)`],
    ['made', report.createdAt],
    ['signed with the key', code(signature.publicKey)],
    ['whose SHA-256 is', code(keyPrint(signed))],
    ['signature', code(signature.value)],
  ]
  return {
    title: 'Fingerprint and signature',
    note: `${sealWords(sealOf(signed))} Compare the key with that of the coordinator or of the auditor. To check the report, its verdict and whether it is about a run:`,
    body: html`<pre><code>tributary audit verify report.json --config run.json --key KEY</code></pre>
      ${pairs('Fingerprint', ['what', 'value'], rows)}`,
  }
}

function generatorRows(generator: AuditReport['generator']): readonly (readonly [string, Cell])[] {
  if (generator === null) return [['generator', 'none']]
  const { name, hash, trainedOn, projection, isInformative } = generator
  return [
    ['generator', html`${name}, trained on ${trainedOn} ${code(hash)}`],
    [
      'its quality',
      projection === null
        ? 'not measured'
        : `held-out records are expressed with ${decibels(projection.latent)} by its input, ${decibels(projection.stages)} by all stages; the class mean has ${decibels(projection.classMean)}${isInformative === false ? ': not informative' : ''}`,
    ],
  ]
}

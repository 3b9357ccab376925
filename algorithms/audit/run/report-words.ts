/** What a report says about its own reach: gifd specification §1, §3, §14. Plain sentences, true of this audit. */
import type { AuditReport } from '#protocol/audit-report.js'
import { fewestRecords, notAudited, settingsOf } from '#protocol/audit-settings.js'
import type { AuditThresholds } from '#protocol/audit-thresholds.js'
import { publicSourceName } from '#data/index.js'
import { isInformative } from '#algorithms/audit/generator/layered-generator.js'
import { canLabelsTell, outOfReach, toldOn } from '#algorithms/audit/soundness.js'
import { LIMITS_OF_ALL } from './limits-of-all.js'
import type { UnjudgedRow } from './row-result.js'
import type { AuditSource, AuditSpec, RowSpec } from './spec.js'
import type { WorldFacts } from './world.js'

const percent = (share: number): string => `${Number((100 * share).toFixed(2))} %`

/** Which data, and which part of them; without paths, because a report is handed on. */
export function sourceWords({ share: [from, to], limit, ...source }: AuditSource): string {
  const part = from === 0 && to === 1 ? 'all of it' : `${percent(from)} to ${percent(to)} of it`
  const first = limit === undefined ? '' : `the first ${limit} records, of those `
  return `${publicSourceName(source)}: ${first}${part}, after one seeded shuffle`
}

const list = (values: Iterable<string | number>): string => [...new Set(values)].join(', ')

const stateWords = (row: RowSpec): string =>
  row.modelState === 'fresh' ? 'freshly initialised' : 'the trained params that the run starts from'

/** The knobs of §3 and where this audit had them. */
export function threatModel(
  { rows, generator, generatorClasses, auxiliary, records }: AuditSpec,
  own: WorldFacts['generator'],
): AuditReport['threatModel'] {
  const knobs: readonly (readonly [string, string])[] = [
    [
      'who',
      'whoever reads the update of one client: an honest-but-curious coordinator, or anyone who gets at its memory or its connection. It follows the protocol and alters no model',
    ],
    [
      'knows',
      'the architecture, the params before the update, the loss, the classes, the batch size, the learning rate, the number of local steps and which transforms the run has',
    ],
    ['does not know', 'the records, the order of batches, random seeds of clients'],
    [
      'labels',
      list(
        rows.map((row) =>
          row.labels === 'given' ? 'given (worst case)' : 'inferred from the update',
        ),
      ),
    ],
    ['public data', sourceWords(auxiliary)],
    [
      'generator',
      generator === null || own === null
        ? 'none'
        : `${own.name}, trained on ${own.trainedOn}${generatorClasses === 'searched' ? '; its classes are not those of the task, and were searched for' : ''}`,
    ],
    ['model state', list(rows.map(stateWords))],
    ['records in an update', list(rows.map(({ batchSize }) => batchSize))],
    ['local steps', list(rows.map(({ localSteps }) => localSteps))],
    [
      'aggregation',
      list(
        rows.map(({ clients }) =>
          clients === 1
            ? 'the update of one client'
            : `the mean of the updates of ${clients} clients`,
        ),
      ),
    ],
    [
      'adaptivity',
      'worst case only: knows every transform with its options, as the settings have them, and sees which entries were left out; estimates the noise where the update shows it, and goes by the settings elsewhere',
    ],
    ['records', `${sourceWords(records.data)}. Basis: ${records.basis}`],
  ]
  return knobs.map(([knob, value]) => ({ knob, value }))
}

/** Sentences for rows where few records or candidates keep recognition, or labels, from ever reaching a level. */
export async function recognitionLimits(
  rows: readonly UnjudgedRow[],
  thresholds: AuditThresholds,
): Promise<readonly string[]> {
  const found: string[] = []
  for (const row of rows) {
    if (!canLabelsTell(row, thresholds)) {
      found.push(
        `Row ${row.id}: with ${row.records} record${row.records === 1 ? '' : 's'} labels cannot reach elevated, even if every one is inferred: guessing finds them all with p ${Number(row.labelRecovery.leastPValue.toPrecision(2))}. Take more records.`,
      )
    }
    const told = toldOn(row)
    const out = told === null ? [] : await outOfReach(told, thresholds)
    if (told === null || out.length === 0) continue
    const { of, candidates } = told
    found.push(
      `Row ${row.id}: with ${of} record${of === 1 ? '' : 's'}, each told among ${candidates} of its class, recognition cannot reach ${out.join(' or ')}, even if every record is recognised. Take more records, or more to tell them from.`,
    )
  }
  return found
}

export function limitations(spec: AuditSpec, own: WorldFacts['generator']): string[] {
  const { rows, records, run, utilityRounds, generator } = spec
  const fewest = fewestRecords({ rows, settings: settingsOf(run) })
  const some = (holds: boolean, sentence: string): readonly string[] => (holds ? [sentence] : [])
  return [
    ...LIMITS_OF_ALL,
    ...notAudited(run),
    ...some(
      generator === null,
      'There was no generator, so LATENT, GIFD, GIAS and GGL were left out. An attacker who has public data of the same kind can train one.',
    ),
    ...some(
      own !== null && own.projection !== null && !isInformative(own.projection),
      'Generator prior not informative: when it sees a picture, it fits it hardly better than the mean of the class does. What LATENT, GIFD, GIAS and GGL did not find, they may find with a better one.',
    ),
    ...some(
      own !== null && own.projection === null,
      'How well the generator fits pictures was not measured, so it is not known whether its prior is informative.',
    ),
    ...some(
      own?.tellsRecords === false,
      'The generator does not tell its training records, so it could not be checked that no audited record is among them.',
    ),
    ...some(
      records.basis === 'synthetic' || records.basis === 'canary',
      'The records are made up: real ones of the clients can be easier or harder to recover.',
    ),
    ...some(
      rows.some(({ approximation }) => approximation === 'one-gradient'),
      'Rows marked one-gradient take an update of many local steps for a single gradient. That is an approximation which attackers use; on these rows the exact way through all steps was not tried.',
    ),
    ...some(
      fewest > 1,
      `The verdict is about clients with ${fewest} records or more. One that holds fewer reveals more of each than it says; nodes that demand a report and hold fewer refuse the run.`,
    ),
    ...some(
      Math.max(...rows.map(({ batchSize }) => batchSize)) < run.training.batchSize,
      `The run takes batches of ${run.training.batchSize}; here they are smaller, which shows more of each record.`,
    ),
    ...some(
      rows.every(({ modelState }) => modelState === 'fresh'),
      'The model was freshly initialised, as in the first round. Updates of later rounds show something else, often less.',
    ),
    ...some(utilityRounds === 0, 'What the transforms cost in accuracy was not measured.'),
    'Distances are those of pixels and of a small network trained on public data. A person can recognise what they call far away.',
  ]
}

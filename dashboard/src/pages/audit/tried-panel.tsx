import { counted, dayText, duration } from '#protocol/audit-amounts.js'
import { BASIS_WORDS } from '#protocol/audit-config.js'
import type { AuditReport } from '#protocol/audit-report.js'
import { comparisonOf, differenceWords, setupsOf, type Setup } from '#protocol/audit-setups.js'
import { attackWords } from '#protocol/audit-words.js'
import { Facts } from '../../parts/facts.js'
import { Level } from '../../parts/level.js'
import { Panel } from '../../parts/panel.js'
import css from './audit.module.css'
import { methodNames } from './findings.js'

export function TriedPanel({ report }: { readonly report: AuditReport }) {
  const { settings, records, generator, effort, budget, rows } = report
  const names = methodNames(report).map((name) => attackWords(name).short)
  const { model, method, training, updates } = settings
  return (
    <Panel title="What was tried">
      <Facts
        items={[
          ['Model', `${model.name}, trained by ${method.name} with ${training.optimizer.name}`],
          [
            'Transforms',
            updates.length === 0
              ? 'none: updates are sent as they are'
              : updates.map(({ name }) => name).join(', then '),
          ],
          ['Records', `${records.count} (${BASIS_WORDS[records.basis]}): ${records.description}`],
          ['Attacks', names.length === 0 ? 'none gave a result' : names.join(', ')],
          [
            'Attacker has',
            generator === null
              ? 'public records; no generator'
              : `public records and a generator trained on ${generator.trainedOn}`,
          ],
          [
            'Budget',
            `${budget}: ${counted(effort.iterations, 'iteration')} a stage, ${counted(effort.restarts, 'restart')}; ${counted(rows.length, 'row')}`,
          ],
          ['Made', `${dayText(report.createdAt)}, in ${duration(report.seconds)}`],
        ]}
      />
    </Panel>
  )
}

const MOST_LOWER = 6

/** As far as the rows of the report tell; nothing is guessed. */
export function RemedyPanel({ report }: { readonly report: AuditReport }) {
  const comparison = comparisonOf(setupsOf(report))
  if (comparison === null)
    return (
      <Panel title="What would lower it">
        <p>
          Not known: one setup was audited. Audit it again with clipping and noise, larger batches
          or top-k beside it.
        </p>
      </Panel>
    )
  const { base, lower, others } = comparison
  if (base.verdict === 'not-demonstrated') return <RestsOn base={base} others={others} />
  return (
    <Panel title="What would lower it">
      <div className={css['texts']}>
        {lower.length === 0 ? (
          <p>Nothing that was tried gives a lower verdict.</p>
        ) : (
          <Setups setups={lower.slice(0, MOST_LOWER)} base={base} />
        )}
        {others.length > 0 && (
          <p>
            <strong>Does not lower it:</strong>{' '}
            {others.map((setup) => differenceWords(setup, base)).join('; ')}.
          </p>
        )}
        {report.rows.every(({ utility }) => utility === null) && (
          <p className={css['small']}>What each costs in accuracy was not measured.</p>
        )}
      </div>
    </Panel>
  )
}

/** The lowest verdict is worth what made it so low. */
function RestsOn({ base, others }: { readonly base: Setup; readonly others: readonly Setup[] }) {
  const higher = others.filter(({ verdict }) => verdict !== 'not-demonstrated')
  return (
    <Panel title="What it rests on">
      <div className={css['texts']}>
        {higher.length === 0 ? (
          <p>
            On none of the setups an attack went beyond the limits of the rules, so this report does
            not show that these attacks would have found a leak where there is one.
          </p>
        ) : (
          <>
            <p>The same attacks, against other setups, show that they work:</p>
            <Setups setups={higher.slice(0, MOST_LOWER)} base={base} />
          </>
        )}
      </div>
    </Panel>
  )
}

function Setups({ setups, base }: { readonly setups: readonly Setup[]; readonly base: Setup }) {
  return (
    <ul className={css['remedies']}>
      {setups.map((setup) => (
        <li key={setup.place}>
          <span>{differenceWords(setup, base)}</span>
          <Level level={setup.verdict} />
          <span className={css['small']}>{costWords(setup, base)}</span>
        </li>
      ))}
    </ul>
  )
}

function costWords({ utility, clients }: Setup, base: Setup): string {
  const percent = (share: number): string => `${Math.round(share * 100)} %`
  const costs =
    utility === null
      ? []
      : [
          base.utility === null
            ? `accuracy ${percent(utility)}`
            : `accuracy ${percent(utility)} instead of ${percent(base.utility)}`,
        ]
  return [...costs, ...(clients > 1 ? ['needs secure aggregation'] : [])].join('; ')
}

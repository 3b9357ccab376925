/** What would lower the verdict, or what it rests on, as far as the rows of the report tell; nothing is guessed. */
import type { AuditReport } from '#protocol/audit-report.js'
import { canonicalJson } from '#protocol/json.js'
import { html, type Html } from '../report/html.js'
import { wholePercent } from '#protocol/audit-amounts.js'
import { levelBadge } from './levels.js'
import { comparisonOf, differenceWords, type Setup } from '#protocol/audit-setups.js'

const MOST_LOWER = 4
const MOST_OTHERS = 3

export function remedies(report: AuditReport, setups: readonly Setup[]): Html {
  const comparison = comparisonOf(setups)
  if (comparison === null) {
    return html`<h2>What would lower it</h2>
      <p>
        Not known: one setup was audited. Audit it again with clipping and noise, larger batches or
        top-k beside it (rows of the audit’s configuration).
      </p>`
  }
  const { base, lower, others } = comparison
  if (base.verdict === 'not-demonstrated') return rests(base, others)
  const isOf = base.isConfigured ? html`` : html` than “${base.label}”`
  return html`<h2>What would lower it</h2>
    ${
      lower.length === 0
        ? html`<p>Nothing that was tried gives a lower verdict${isOf}.</p>`
        : html`<ul>
              ${lower.slice(0, MOST_LOWER).map((setup) => lowerItem(setup, base))}
            </ul>
            ${more(lower.length - MOST_LOWER)}`
    }
    ${
      others.length === 0
        ? ''
        : html`<p>
            <b>Does not lower it:</b> ${listedLabels(others, base)}${moreThan(others.length)}.
          </p>`
    }
    ${
      report.rows.every(({ utility }) => utility === null)
        ? html`<p class="small">What each costs in accuracy was not measured.</p>`
        : ''
    }`
}

const lowerItem = (setup: Setup, base: Setup): Html =>
  html`<li>
    <b>${differenceWords(setup, base)}</b>:
    ${levelBadge(setup.verdict)}${cost(setup, base)}${
      setup.clients > 1
        ? html`. This needs secure aggregation: without it the coordinator reads every update by
          itself`
        : html``
    }
  </li>`

const isSameDefence = (a: Setup, b: Setup): boolean =>
  canonicalJson(a.worst.updates) === canonicalJson(b.worst.updates)

function cost(setup: Setup, base: Setup): string {
  // It is measured by transforms: where these are the same, so is it, whatever else differs.
  if (setup.utility === null || isSameDefence(setup, base)) return ''
  return base.utility === null
    ? `; accuracy ${wholePercent(setup.utility)}`
    : `; accuracy ${wholePercent(setup.utility)} instead of ${wholePercent(base.utility)}`
}

/** The lowest verdict is worth what made it so low. */
function rests(base: Setup, others: readonly Setup[]): Html {
  const higher = others.filter(({ verdict }) => verdict !== 'not-demonstrated')
  return html`<h2>What it rests on</h2>
    ${
      higher.length === 0
        ? html`<p>
            On none of the setups an attack went beyond the limits of the rules, so this report does
            not show that these attacks would have found a leak where there is one. See whether they
            do against a setup that protects less.
          </p>`
        : html`<p>The same attacks, against other setups, show that they work:</p>
            <ul>
              ${higher.slice(0, MOST_LOWER).map((setup) => lowerItem(setup, base))}
            </ul>
            ${more(higher.length - MOST_LOWER)}`
    }`
}

const listedLabels = (setups: readonly Setup[], base: Setup): string =>
  setups
    .slice(0, MOST_OTHERS)
    .map((setup) => differenceWords(setup, base))
    .join('; ')
const moreThan = (length: number): string =>
  length > MOST_OTHERS ? `; and ${length - MOST_OTHERS} more` : ''
const more = (number: number): Html =>
  number > 0 ? html`<p class="small">And ${number} more, under Results.</p>` : html``

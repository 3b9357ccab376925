import { trains, type DataCard } from '#protocol/data-card.js'
import type { Problem } from '#protocol/errors.js'
import { canonicalJson } from '#protocol/json.js'
import {
  algorithmsOf,
  auditNotAllowed,
  notAllowed,
  refusalText,
  type AskedProtection,
  type NotAllowed,
  type Policy,
  type ReportedAudit,
} from '#protocol/policy.js'
import type { RosterEntry } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { PrivacyClass } from '#protocol/uplink.js'
import { matchCard } from '#data/data-card.js'
import type { Catalogue } from '#algorithms/catalogue.js'
import { updateTransformsOf } from '#algorithms/from-config.js'
import { revealedBy } from '#algorithms/revealed.js'
import { protectionOf } from '#algorithms/update-transforms/apply.js'
import { sizeOf } from '#coordinator/cohort.js'

/** What a node says of itself. */
export interface Candidate {
  readonly card: DataCard
  readonly policy: Policy
}
type Enlisted = Pick<RosterEntry, 'card'>

/** Why a node cannot be a member of a run; null when it can. `known`: with what it was enlisted before. */
export interface Unfit {
  readonly problem: Problem
  /** What its policy does not allow; null: its data do not fit. */
  readonly policy: NotAllowed | null
}

const byData = (message: string): Unfit => ({
  problem: { code: 'data/mismatch', message },
  policy: null,
})

/** Decides about nodes for one run. */
export class Fitness {
  readonly #config: RunConfig
  readonly #classes: readonly PrivacyClass[]
  readonly #protection: AskedProtection
  readonly #audit: ReportedAudit | null | 'unknown'

  /** `audit`: what the run's privacy audit says, null where it has none. */
  private constructor(parts: {
    readonly config: RunConfig
    readonly classes: readonly PrivacyClass[]
    readonly protection: AskedProtection
    readonly audit: ReportedAudit | null | 'unknown'
  }) {
    this.#config = parts.config
    this.#classes = parts.classes
    this.#protection = parts.protection
    this.#audit = parts.audit
  }

  /** Before anything is known of an audit: policies about audits count as kept to. */
  static of(config: RunConfig, catalogue?: Catalogue): Fitness {
    const classes = revealedBy(config, catalogue)?.classes ?? []
    const protection = protectionOf(updateTransformsOf(config, catalogue))
    return new Fitness({ config, classes, protection, audit: 'unknown' })
  }
  with(audit: ReportedAudit | null): Fitness {
    const [config, classes, protection] = [this.#config, this.#classes, this.#protection]
    return new Fitness({ config, classes, protection, audit })
  }

  /** Why the node cannot take part in a round that asks `cohort` members; null when it can. */
  unfit({ card, policy }: Candidate, cohort: number, known: Enlisted | undefined): Unfit | null {
    const mismatch = matchCard(card, this.#config.task)
    if (mismatch !== null) return byData(mismatch)
    // The record says what each slot trained on; other data under the same slot would make it untrue.
    if (known !== undefined && canonicalJson(known.card) !== canonicalJson(card))
      return byData('The node joined the run with other data than it has now')
    const [classes, protection] = [this.#classes, this.#protection]
    const algorithms = algorithmsOf(this.#config)
    const calibration = this.#config.calibration?.name ?? null
    const refused =
      notAllowed(policy, { algorithms, classes, cohort, protection, calibration }) ??
      (this.#audit === 'unknown' ? null : auditNotAllowed(policy, this.#audit))
    if (refused === null) return null
    return { problem: { code: 'policy/refused', message: refusalText(refused) }, policy: refused }
  }

  /**
   * Who of the nodes that are there can take part now. A node that wants a least number of members counts only if rounds
   * have as many with those who can: without it the rounds may be too small for the next.
   */
  sortOut<Node extends Candidate>(
    nodes: readonly Node[],
    knownOf: (node: Node) => Enlisted | undefined,
  ): ReadonlyMap<Node, Unfit | null> {
    const found = new Map<Node, Unfit | null>(
      nodes.map((node) => [node, this.unfit(node, Infinity, knownOf(node))]),
    )
    for (;;) {
      const fit = nodes.filter((node) => found.get(node) === null)
      const cohort = this.#cohortOf(fit.filter(({ card }) => trains(card)).length)
      const reasons = fit.map((node) => [node, this.unfit(node, cohort, knownOf(node))] as const)
      if (reasons.every(([, reason]) => reason === null)) return found
      for (const [node, reason] of reasons) found.set(node, reason)
    }
  }

  /** Members that a round of training asks when so many can take part. No round opens before as many are there as must report. */
  #cohortOf(fit: number): number {
    const { cohort } = this.#config
    return Math.max(sizeOf(cohort, fit), cohort.minReporters)
  }
}

/** For people: what policies do not allow, and how many of the nodes that are there say so. */
export function refusalsAmong(found: ReadonlyMap<Candidate, Unfit | null>): readonly string[] {
  const counts = new Map<string, number>()
  for (const unfit of found.values()) {
    if (unfit === null || unfit.policy === null) continue
    const { what, remedy } = unfit.policy
    const words = `not allow ${what}. Their owners can: ${remedy}`
    counts.set(words, (counts.get(words) ?? 0) + 1)
  }
  return [...counts].map(
    ([words, count]) =>
      `${count} of ${found.size} connected nodes ${count === 1 ? 'does' : 'do'} ${words}`,
  )
}

import type { DataCard } from '#protocol/data-card.js'
import { canonicalJson } from '#protocol/json.js'
import type { RosterEntry } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import { matchCard } from '#data/data-card.js'

/** Why a node with these data cannot be a member of a run; null when it can. `known`: with what it was enlisted before. */
export function unfitReason(
  card: DataCard,
  config: RunConfig,
  known: Pick<RosterEntry, 'card'> | undefined,
): string | null {
  const mismatch = matchCard(card, config.task)
  if (mismatch !== null) return mismatch
  // The record says what each slot trained on; other data under the same slot would make it untrue.
  if (known !== undefined && canonicalJson(known.card) !== canonicalJson(card))
    return 'The node joined the run with other data than it has now'
  return null
}

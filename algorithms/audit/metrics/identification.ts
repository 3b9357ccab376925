/** Whether a reconstruction tells its record among others. Gifd specification §14.1. */
import { FederationError } from '#protocol/errors.js'
import type { Stream } from '#protocol/random.js'
import type { AuditMethodResult } from '#protocol/audit-report.js'
import type { Examples } from '#data/dataset.js'
import { chanceOf, clopperPearson } from './binomial.js'
import { mean } from './spread.js'

/** Rows of the pool's data set that one record is to be told from. */
export interface Candidates {
  readonly anyClass: Int32Array
  /** Harder: here the label alone does not help. */
  readonly sameClass: Int32Array
}

interface CandidateRequest {
  /** Labels of all audited records, in their order. */
  readonly labels: Int32Array
  /** Among how many a record is to be told, itself counted. */
  readonly candidates: number
  readonly stream: Stream
}

/**
 * Draws the others for every record, without repetition, out of records that are neither audited nor public. Sets of the same
 * class are all as large as the smallest class allows, so that chance is the same for all. Throws `config/impossible` where the
 * pool has nothing to compare with.
 */
export function drawCandidates(
  { source, indices }: Examples,
  { labels, candidates, stream }: CandidateRequest,
): readonly Candidates[] {
  const ofLabel = (label: number): Int32Array =>
    indices.filter((row) => source.labels[row] === label)
  const smallestClass = labels.reduce(
    (least, label) => Math.min(least, ofLabel(label).length),
    Infinity,
  )
  const [any, same] = [indices.length, smallestClass].map((size) => Math.min(candidates - 1, size))
  if (any === undefined || same === undefined || same < 1) {
    throw new FederationError(
      'config/impossible',
      'records.data leaves no other records of the same class to tell the audited ones from; take more of it',
    )
  }
  const draw = (rows: Int32Array, size: number): Int32Array =>
    stream.shuffle(rows.slice()).slice(0, size).sort()
  return Array.from(labels, (label) => ({
    anyClass: draw(indices, any),
    sameClass: draw(ofLabel(label), same),
  }))
}

/** Place of the true record by distance to the reconstruction, from 1; it comes last among equals (success: strictly least). */
export const rankOf = (own: number, others: Iterable<number>): number => {
  let rank = 1
  for (const other of others) if (!(other > own)) rank += 1
  return rank
}

export type Identification = NonNullable<AuditMethodResult['chosen']>['sameClass']

/** `ranks` of at least one record, each among `candidates` (itself counted). */
export async function identificationOf(
  ranks: readonly number[],
  candidates: number,
): Promise<Identification> {
  const hits = ranks.filter((rank) => rank === 1).length
  const of = ranks.length
  const chance = 1 / candidates
  const [low, high] = await clopperPearson({ hits, of })
  return {
    ...{ hits, of, candidates, chance },
    rate: hits / of,
    interval: [low, high],
    pValue: await chanceOf({ hits, of }, chance),
    top5: ranks.filter((rank) => rank <= 5).length / of,
    meanReciprocalRank: mean(ranks.map((rank) => 1 / rank)),
  }
}

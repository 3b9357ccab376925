import type { Stream } from '#protocol/random.js'
import type { AuditControl, AuditMethodResult } from '#protocol/audit-report.js'
import { identificationOf } from '#algorithms/audit/metrics/identification.js'
import { gainsOf, gainSummary } from '#algorithms/audit/metrics/results.js'
import { bootstrapInterval, median, spreadOf } from '#algorithms/audit/metrics/spread.js'
import type { CellResult } from './cell-result.js'

type Scores = CellResult['controls'][number]['scores']

/** What scores of a row's records are held against. */
export interface SummaryContext {
  /** PSNR of the best control, by record. */
  readonly baseline: readonly number[]
  readonly candidates: CellResult['candidates']
  /** For the bootstrap. */
  readonly stream: Stream
}

const psnrsOf = (scores: Scores): readonly number[] => scores.map(({ psnr }) => psnr)

async function identifications(scores: Scores, candidates: SummaryContext['candidates']) {
  const ranks = scores.flatMap(({ auxiliary }) => auxiliary?.sameClass ?? [])
  return {
    anyClass: await identificationOf(
      scores.map((score) => score.anyClass),
      candidates.anyClass,
    ),
    sameClass: await identificationOf(
      scores.map((score) => score.sameClass),
      candidates.sameClass,
    ),
    auxiliarySameClass:
      ranks.length === scores.length ? await identificationOf(ranks, candidates.sameClass) : null,
  }
}

/** Scores of at least one record, as a report tells them. Gifd specification §14.1. */
export async function resultOf(
  scores: Scores,
  { baseline, candidates, stream }: SummaryContext,
): Promise<NonNullable<AuditMethodResult['chosen']>> {
  const gains = gainsOf(psnrsOf(scores), baseline)
  const distances = scores.flatMap(({ auxiliary }) => auxiliary?.distance ?? [])
  return {
    psnr: spreadOf(psnrsOf(scores)),
    ssim: spreadOf(scores.map(({ ssim }) => ssim)),
    auxiliaryDistance: distances.length === scores.length ? spreadOf(distances) : null,
    ...(await identifications(scores, candidates)),
    gain: { ...gainSummary(gains), interval: bootstrapInterval(gains, stream) },
  }
}

/** An attack that stops earlier than it could: after a stage, or at the noise floor. */
export async function stoppedOf(
  scores: Scores,
  matchLoss: number,
  { baseline, candidates }: SummaryContext,
): Promise<NonNullable<AuditMethodResult['atFloor']>> {
  const gain = gainSummary(gainsOf(psnrsOf(scores), baseline))
  const { sameClass, auxiliarySameClass } = await identifications(scores, candidates)
  return {
    ...{ psnr: median(psnrsOf(scores)), matchLoss },
    gain: { median: gain.median, max: gain.max },
    ...{ sameClass, auxiliarySameClass },
  }
}

export const controlOf = async (
  { name, method }: Pick<AuditControl, 'name' | 'method'>,
  scores: Scores,
  candidates: SummaryContext['candidates'],
): Promise<AuditControl> => ({
  ...{ name, method, psnr: spreadOf(psnrsOf(scores)) },
  ...(await identifications(scores, candidates)),
})

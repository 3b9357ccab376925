import { rowSize, type Examples } from '#data/dataset.js'
import { pickFloats } from '#data/formats/floats.js'
import { inferLabels, type InferredLabels } from '#algorithms/audit/labels/infer-labels.js'
import { createProblem, type MatchingProblem } from '#algorithms/audit/matching/problem.js'
import { createScorer, type Scorer } from '#algorithms/audit/metrics/score.js'
import {
  makeTarget,
  type MatchTarget,
  type UpdateEvidence,
} from '#algorithms/audit/target/match-target.js'
import type { AuditCell } from './cells.js'
import type { ChosenRecord } from './choose-records.js'
import { rowConfig, type AuditSpec, type RowSpec } from './spec.js'
import type { AuditWorld } from './world.js'

/** One batch under one row, ready to be attacked: the observed update, and what reconstructions are held against. */
export interface CellScene {
  readonly row: RowSpec
  readonly batch: number
  /** Of all clients of the row, in the order of the metrics. */
  readonly chosen: readonly ChosenRecord[]
  readonly records: Examples
  /** Labels that the update tells, whether or not the row gives them to the attacker. */
  readonly inferred: InferredLabels
  readonly target: MatchTarget
  readonly problem: MatchingProblem
  readonly scorer: Scorer
  dispose(): void
}

/** What one kind of update of the batch is made from. */
type Side = 'own' | 'placebo'

/** Which of the world's records a cell is about. */
export function chosenFor(
  { rows }: Pick<AuditSpec, 'rows'>,
  { chosen }: Pick<AuditWorld, 'chosen'>,
  cell: AuditCell,
): readonly ChosenRecord[] {
  const { batchSize, clients } = rows[cell.row]!
  const size = batchSize * clients
  return chosen.slice(cell.batch * size, (cell.batch + 1) * size)
}

export async function openScene(
  spec: AuditSpec,
  cell: AuditCell,
  world: AuditWorld,
): Promise<CellScene> {
  const row = spec.rows[cell.row]!
  const chosen = chosenFor(spec, world, cell)
  const records = examplesOf(world, chosen, 'own')
  const infer = await inferenceFor(world, row)
  const target = await targetOf(spec, world, { row, cell, records, infer, side: 'own' })
  const { pool, network } = world
  const inferred = infer(await evidenceOf(target))
  const problem = createProblem(target)
  const scorer = await createScorer({
    truth: pickFloats(pool.features, rowSize(pool.inputShape), records.indices),
    candidates: chosen.map(({ candidates }) => candidates),
    ...{ pool, network },
  })
  return {
    ...{ row, batch: cell.batch, chosen, records, inferred, target, problem, scorer },
    dispose() {
      problem.dispose()
      target.dispose()
    },
  }
}

/** The same batch with the update of other records of the same classes, held against the audited ones. The caller disposes it. */
export async function placeboProblem(
  spec: AuditSpec,
  world: AuditWorld,
  scene: CellScene,
): Promise<MatchingProblem> {
  const { row, batch, chosen } = scene
  const target = await targetOf(spec, world, {
    ...{ row, cell: { batch }, side: 'placebo' as const },
    records: examplesOf(world, chosen, 'placebo'),
    infer: await inferenceFor(world, row),
  })
  return createProblem(target, { ownsTarget: true })
}

const examplesOf = (
  { pool }: AuditWorld,
  chosen: readonly ChosenRecord[],
  side: Side,
): Examples => ({
  source: pool,
  indices: Int32Array.from(chosen, (one) => (side === 'own' ? one.row : one.placebo)),
})

type LabelInference = (evidence: UpdateEvidence) => InferredLabels

/** By public data, on the model in the state that the row audits. */
async function inferenceFor(world: AuditWorld, { modelState }: RowSpec): Promise<LabelInference> {
  const auxiliary = await world.statistics(modelState)
  return (evidence) => inferLabels({ ...evidence, auxiliary })
}

interface TargetParts {
  readonly row: RowSpec
  readonly cell: Pick<AuditCell, 'batch'>
  readonly records: Examples
  readonly infer: LabelInference
  readonly side: Side
}

/** Slots of the clients behind placebos begin there, so that their noise is another. */
const FIRST_PLACEBO_SLOT = 1_000_000

function targetOf(
  spec: AuditSpec,
  { params }: AuditWorld,
  { row, cell, records, infer, side }: TargetParts,
): Promise<MatchTarget> {
  const { clients, approximation, labels, modelState } = row
  const { basis, data } = spec.records
  return makeTarget({
    config: rowConfig(spec, row),
    params: modelState === 'fresh' ? params.fresh : (params.trained ?? params.fresh),
    records: { examples: records, basis, description: data.name },
    slot: cell.batch * clients + (side === 'own' ? 0 : FIRST_PLACEBO_SLOT),
    ...{ clients, approximation },
    labels: labels === 'given' ? 'given' : infer,
  })
}

async function evidenceOf(target: MatchTarget): Promise<UpdateEvidence> {
  const { model, batch } = target.settings
  const observed = await Promise.all(
    target.observed.map(async (tensor) => (await tensor.data()) as Float32Array),
  )
  return { model, observed, batch, isScaled: target.clipNorm !== null }
}

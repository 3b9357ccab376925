import type { RunConfig } from './config-schema.js'
import { EXACT_BELOW, FEWEST_MEAN_BITS, LARGEST_ROSTER } from './uplink.js'

/** Most members one round can have. */
function largestCohort({ cohort: { take }, data }: RunConfig): number {
  const clients = data?.clients ?? LARGEST_ROSTER
  if (take === 'all') return clients
  return 'size' in take ? take.size : Math.ceil(take.fraction * clients)
}

function cohortConflicts(config: RunConfig): (string | false)[] {
  const { cohort, data } = config
  const { take, minReporters, overSelect = 1 } = cohort
  const members = largestCohort(config)
  return [
    take === 'all' &&
      overSelect > 1 &&
      `cohort.overSelect ${overSelect} asks more than the wanted members, and cohort.all wants everyone; set cohort.size or cohort.fraction`,
    take !== 'all' &&
      'size' in take &&
      data !== null &&
      take.size > data.clients &&
      `cohort.size ${take.size} is more than data.clients ${data.clients}`,
    minReporters > members &&
      `cohort.minReporters ${minReporters} is more than the ${members} that a round can have; lower it or take a larger cohort`,
  ]
}

function evaluationConflicts({ evaluation, rounds, data }: RunConfig): (string | false)[] {
  const { central, federated, every, earlyStop, diagnostics } = evaluation
  return [
    every > Math.max(1, rounds) && `evaluation.every ${every} is more than rounds ${rounds}`,
    earlyStop !== null &&
      central === null &&
      !federated &&
      'evaluation.earlyStop watches a score; set evaluation.central or evaluation.federated',
    federated &&
      data?.testFraction === 0 &&
      'evaluation.federated needs examples to test on; raise data.testFraction above 0',
    diagnostics !== undefined &&
      central === null &&
      'evaluation.diagnostics compares models on examples of the central test split; set evaluation.central',
    diagnostics !== undefined &&
      rounds === 0 &&
      'evaluation.diagnostics compares what clients trained, and rounds 0 trains nothing',
  ]
}

function calibrationConflicts({ calibration, rounds, startFrom }: RunConfig): (string | false)[] {
  return [
    rounds === 0 &&
      calibration === undefined &&
      'rounds 0 trains nothing; set rounds, or a calibration of the model in startFrom',
    rounds === 0 &&
      calibration !== undefined &&
      startFrom === null &&
      'rounds 0 calibrates a model that was trained before; name it in startFrom',
  ]
}

function auditConflicts({ audit, rounds }: RunConfig): (string | false)[] {
  return [
    audit !== undefined &&
      rounds === 0 &&
      'audit attacks what training sends, and rounds 0 trains nothing; leave out audit',
  ]
}

function gridConflict(config: RunConfig): string | false {
  const { maxExamples, maxAbs } = config.aggregation
  const members = largestCohort(config)
  const largestSum = members * maxExamples * Math.ceil(maxAbs * 2 ** FEWEST_MEAN_BITS)
  return (
    largestSum >= EXACT_BELOW &&
    `${members} members × aggregation.maxExamples ${maxExamples} × aggregation.maxAbs ${maxAbs} leave fewer than ${FEWEST_MEAN_BITS} bits after the point for exact sums; lower maxExamples or maxAbs`
  )
}

/** Why a well-formed configuration cannot work; empty: it can, as far as the configuration alone tells. */
export const conflictsOf = (config: RunConfig): readonly string[] =>
  [
    ...cohortConflicts(config),
    ...evaluationConflicts(config),
    ...calibrationConflicts(config),
    ...auditConflicts(config),
    gridConflict(config),
  ].filter((reason) => reason !== false)

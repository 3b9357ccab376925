import { createStreams } from '#protocol/random.js'
import { wholeDataset } from '#data/dataset.js'
import type { AttackResult, Reconstruction } from '#algorithms/audit/attack.js'
import { controlPictures } from '#algorithms/audit/controls/controls.js'
import { picturesOf } from '#algorithms/audit/metrics/pictures.js'
import type { CellControl, CellMethod, CellPicture, CellResult } from './cell-result.js'
import type { AuditCell } from './cells.js'
import { openScene, placeboProblem, type CellScene } from './cell-scene.js'
import type { AuditSpec } from './spec.js'
import {
  attacksOf,
  iterationsOf,
  Meter,
  placebosOf,
  tryAttacks,
  type Attempt,
} from './try-attacks.js'
import type { CellWatch, PictureEncoder } from './watch.js'
import type { AuditWorld } from './world.js'

/**
 * Computes one cell on the backend that is in use: gifd specification §22. `world` is that of the specification. The same specification, cell and backend give the
 * same numbers. Throws `audit/not-auditable` with the reasons, and `audit/interrupted` when the signal says so.
 */
export async function runCell(
  { spec, world }: { readonly spec: AuditSpec; readonly world: AuditWorld },
  cell: AuditCell,
  watch: CellWatch,
): Promise<CellResult> {
  const began = watch.now()
  const scene = await openScene(spec, cell, world)
  try {
    const { signal } = scene.target
    const done = signal.norm === 0 ? NOTHING_TRIED : await attacked({ spec, world, scene }, watch)
    return {
      ...{ key: cell.key, row: cell.row, batch: cell.batch },
      ...(await factsOfCell(world, scene)),
      ...done,
      seconds: (watch.now() - began) / 1000,
    }
  } finally {
    scene.dispose()
  }
}

type Done = Pick<CellResult, 'untried' | 'methods' | 'controls' | 'pictures'>
const NOTHING_TRIED: Done = {
  untried: 'no signal: the update is 0, so it tells nothing',
  ...{ methods: [], controls: [], pictures: null },
}

async function factsOfCell(
  world: AuditWorld,
  { row, records, chosen, target, inferred }: CellScene,
) {
  const { labelShares } = await world.statistics(row.modelState)
  const [first] = chosen
  return {
    labels: {
      truth: Array.from(records.indices, (at) => records.source.labels[at]!).sort((a, b) => a - b),
      inferred: [...inferred.labels],
      ...{ rule: inferred.rule, isCertain: inferred.isCertain },
      others: inferred.others.map(({ rule, labels }) => ({ rule, inferred: [...labels] })),
      shares: [...labelShares],
    },
    candidates: {
      anyClass: 1 + (first?.candidates.anyClass.length ?? 0),
      sameClass: 1 + (first?.candidates.sameClass.length ?? 0),
    },
    parameters: target.settings.model.parameterCount,
    informationRatio: target.signal.informationRatio,
    signalToNoise: target.signal.signalToNoise,
    floor: target.floor,
    remarks: [...target.remarks],
  }
}

interface Stage {
  readonly spec: AuditSpec
  readonly world: AuditWorld
  readonly scene: CellScene
}

async function attacked(stage: Stage, watch: CellWatch): Promise<Done> {
  const { spec, world, scene } = stage
  const [attacks, placebos] = [attacksOf(spec), placebosOf(spec)]
  const own = iterationsOf(attacks, { ...spec, ...world })
  const meter = new Meter(watch, own + iterationsOf(placebos, { ...spec, ...world }))
  const attempts = await tryAttacks(
    spec,
    { problem: scene.problem, world },
    { attacks, batch: scene.batch, meter, isEnough: (result) => enoughWith(stage, result) },
  )
  meter.skipTo(own)
  return {
    untried: null,
    methods: await Promise.all(attempts.map((attempt) => methodOf(scene, attempt))),
    controls: [...(await guesses(stage)), ...(await placeboControls(stage, attempts, meter))],
    pictures:
      watch.picture === undefined ? null : await comparedPictures(scene, attempts, watch.picture),
  }
}

/** After an exact leak nothing else matters (§12, item 1), unless the methods were asked for by name. */
async function enoughWith({ spec, scene }: Stage, result: AttackResult): Promise<string | null> {
  if (spec.methods !== null || result.name !== 'analytic' || result.chosen === null) return null
  const scores = await scene.scorer.score(result.chosen.images)
  const isExact = scores.every(
    ({ relativeError }) => relativeError < spec.thresholds.analyticResidual,
  )
  return isExact ? 'Left out: the analytic leak gives every record exactly' : null
}

const scored = async (
  { scorer }: CellScene,
  { matchLoss, images }: Reconstruction,
): Promise<NonNullable<CellMethod['atFloor']>> => ({
  matchLoss,
  scores: [...(await scorer.score(images))],
})

async function methodOf(scene: CellScene, attempt: Attempt): Promise<CellMethod> {
  const { name } = attempt.attack
  if ('leftOut' in attempt) {
    return {
      ...{ name, chosen: null, stageChosen: null, stages: [], atFloor: null, matchLoss: null },
      ...{ curve: [], residual: null, iterations: 0, gradientEvaluations: 0, seconds: 0 },
      note: attempt.leftOut,
    }
  }
  const { result } = attempt
  const chosen = result.chosen === null ? null : await scored(scene, result.chosen)
  const stages: CellMethod['stages'] = []
  for (const one of result.stages) {
    stages.push({ stage: one.stage, ...(await scored(scene, one)) })
  }
  return {
    name,
    chosen: chosen?.scores ?? null,
    stageChosen: result.chosen?.stage ?? null,
    stages,
    atFloor: result.atFloor === null ? null : await scored(scene, result.atFloor),
    matchLoss: chosen?.matchLoss ?? null,
    curve: result.curve.map(({ iteration, loss }) => [iteration, loss]),
    residual:
      name === 'analytic' && chosen !== null
        ? Math.min(...chosen.scores.map(({ relativeError }) => relativeError))
        : null,
    iterations: result.iterations,
    gradientEvaluations: result.gradientEvaluations,
    seconds: result.seconds,
    note: result.note ?? null,
  }
}

/** Controls without gradients. */
async function guesses({ spec, world, scene }: Stage): Promise<CellControl[]> {
  const controls = await controlPictures({
    auxiliary: wholeDataset(world.auxiliary),
    labels: scene.target.labels,
    generator: world.generator,
    stream: createStreams(spec.seed)('audit-controls', scene.batch, 0),
  })
  return Promise.all(
    controls.map(async ({ name, pictures }) => ({
      ...{ name, method: null },
      scores: [...(await scene.scorer.score(pictures))],
    })),
  )
}

/** The same attacks on the update of other records: nothing they find may point to these. */
async function placeboControls(
  { spec, world, scene }: Stage,
  attempts: readonly Attempt[],
  meter: Meter,
): Promise<CellControl[]> {
  const tried = attempts.flatMap((one) =>
    'result' in one && one.result.chosen !== null ? [one.attack] : [],
  )
  if (tried.length === 0) return []
  const wanted = placebosOf(spec).filter((attack) => tried.includes(attack))
  // Numbers without any placebo are worth nothing.
  const attacks = wanted.length > 0 ? wanted : tried
  const problem = await placeboProblem(spec, world, scene)
  try {
    if (problem.target.signal.norm === 0) return []
    const found = await tryAttacks(spec, { problem, world }, { attacks, batch: scene.batch, meter })
    const controls: CellControl[] = []
    for (const one of found) {
      if (!('result' in one) || one.result.chosen === null) continue
      const { scores } = await scored(scene, one.result.chosen)
      controls.push({ name: 'placebo', method: one.attack.name, scores })
    }
    return controls
  } finally {
    problem.dispose()
  }
}

/** Every record beside what each method made of it. */
async function comparedPictures(
  { records, scorer }: CellScene,
  attempts: readonly Attempt[],
  encode: PictureEncoder,
): Promise<CellPicture[]> {
  const { source, indices } = records
  const shape = source.inputShape
  const all = picturesOf(source.features, shape)
  const found = await Promise.all(
    attempts.flatMap((one) =>
      'result' in one && one.result.chosen !== null
        ? [reconstructed(scorer, one.attack.name, one.result.chosen.images)]
        : [],
    ),
  )
  return Promise.all(
    Array.from(indices, async (row, record) => ({
      record,
      truth: await encode(all[row]!, shape),
      reconstructions: await Promise.all(
        found.map(async ({ method, images, psnrs }) => ({
          method,
          image: await encode(images[record]!, shape),
          psnr: psnrs[record]!,
        })),
      ),
    })),
  )
}

async function reconstructed(scorer: CellScene['scorer'], method: string, pictures: Float32Array) {
  const scores = await scorer.score(pictures)
  return {
    method,
    images: scorer.ordered(pictures),
    psnrs: scores.map(({ psnr }) => psnr),
  }
}

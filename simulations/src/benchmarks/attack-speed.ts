/** How fast each attack of an audit is on a model: what an estimate of an audit's time rests on. */
import { unwrap } from '#protocol/result.js'
import { parseRunConfig, type RunConfig } from '#protocol/run-config.js'
import type { Engine } from '#protocol/record.js'
import { wholeDataset } from '#data/dataset.js'
import { loadDataset } from '#data/index.js'
import {
  ATTACKS,
  type AttackBudget,
  type AttackInput,
  type AttackName,
} from '#algorithms/audit/attack.js'
import { layeredGenerator } from '#algorithms/audit/generator/generator-blocks.js'
import { decoderShape } from '#algorithms/audit/generator/generator-options.js'
import type { LayeredGenerator } from '#algorithms/audit/generator/layered-generator.js'
import { decoderBlocks, decoderParams } from '#algorithms/audit/generator/vae-decoder.js'
import { createProblem, type MatchingProblem } from '#algorithms/audit/matching/problem.js'
import { ATTACK_LIST } from '#algorithms/audit/solvers/attack-list.js'
import { makeTarget } from '#algorithms/audit/target/match-target.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { modelOf } from '#algorithms/from-config.js'
import { initialParams } from '#algorithms/models/initializers.js'
import { layoutOf, toTensors } from '#algorithms/models/params.js'
import { createStreams } from '#algorithms/tensor/stream.js'
import { measured, type ProcessUse } from '../process-use.js'

export interface AttackSpeedSetting {
  /** As a configuration names it, with its own defaults. */
  readonly model: string
  /** Records behind the update. */
  readonly batch: number
  /** Local steps behind it, all unrolled. */
  readonly localSteps: number
  /** Of one stage. */
  readonly iterations: number
  /** Of the grey pictures, in pixels; divisible by 4. */
  readonly side: number
}

export interface AttackSpeed {
  readonly name: AttackName
  readonly iterations: number
  readonly seconds: number
  /** Null: it found what it looked for without a search, or does not apply. */
  readonly perSecond: number | null
  readonly gradientEvaluations: number
  /** Why it does not apply; null: it does. */
  readonly excluded: string | null
}

export interface AttackSpeedMeasurement {
  readonly setting: AttackSpeedSetting
  readonly parameters: number
  readonly engine: Engine
  readonly attacks: readonly AttackSpeed[]
  /** Of all attacks, each with one stage of one iteration before it that does not count. */
  readonly use: ProcessUse
}

const CLASSES = 10
const LATENT = 16
const SEED = 7
const WARM_UP: AttackBudget = {
  ...{ stageIterations: 1, restarts: 1, cmaGenerations: 1, cmaPopulation: 3 },
  radii: [0.2],
}

/** Takes every attack over a few iterations with the active backend. */
export async function measureAttacks(
  setting: AttackSpeedSetting,
  engine: Engine,
  onAttack: (name: AttackName) => void = () => undefined,
): Promise<AttackSpeedMeasurement> {
  const { value, use } = await measured(async () => {
    const work = await openWork(setting)
    try {
      const attacks: AttackSpeed[] = []
      for (const name of ATTACKS) {
        onAttack(name)
        attacks.push(await speedOf(work, setting, name))
      }
      return { attacks, parameters: work.problem.target.settings.model.parameterCount }
    } finally {
      work.dispose()
    }
  })
  return { setting, engine, ...value, use }
}

interface Work {
  readonly problem: MatchingProblem
  readonly generator: LayeredGenerator
  dispose(): void
}

async function openWork(setting: AttackSpeedSetting): Promise<Work> {
  const { side, batch } = setting
  const path = `stroke-digits:side=${side}:count=${batch}:seed=${SEED}`
  const digits = await loadDataset({ name: 'synthetic', path })
  const config = configOf(setting, digits)
  const streams = createStreams(SEED)
  const target = await makeTarget({
    config,
    params: modelOf(config).init(streams('init', 0, 0)),
    records: { examples: wholeDataset(digits), basis: 'synthetic', description: path },
    ...{ clients: 1, slot: 0, approximation: 'unrolled', labels: 'given' },
  })
  const problem = createProblem(target)
  const generator = untrainedGenerator(side)
  const dispose = (): void => {
    for (const one of [problem, target, generator]) one.dispose()
  }
  return { problem, generator, dispose }
}

function configOf(
  { model, batch, localSteps }: AttackSpeedSetting,
  {
    inputShape,
    classes,
  }: { readonly inputShape: readonly number[]; readonly classes: readonly string[] },
): RunConfig {
  const input = {
    task: { inputShape: [...inputShape], classes: [...classes] },
    model: { name: model },
    training: {
      ...{ localEpochs: localSteps, batchSize: batch },
      optimizer: { name: 'sgd', learningRate: 0.05 },
    },
  }
  return unwrap(parseRunConfig(input, configCatalogue()))
}

/** The decoder that `audit train-generator` trains. Its speed does not depend on its weights. */
function untrainedGenerator(side: number): LayeredGenerator {
  const options = { conditional: true, latentDim: LATENT }
  const shape = decoderShape([side, side, 1], CLASSES, options)
  const specs = decoderParams(shape)
  const layout = layoutOf(
    'decoder',
    specs.map(({ name, shape: own }) => ({ name, shape: own, dtype: 'float32' })),
  )
  const weights = toTensors(layout, initialParams(specs, createStreams(SEED)('decoder', 0, 0)))
  const named = { name: 'untrained decoder', trainedOn: 'nothing', ...shape }
  return layeredGenerator({ ...named, blocks: decoderBlocks(shape), weights }, '0'.repeat(64))
}

async function speedOf(
  { problem, generator }: Work,
  { iterations: stageIterations }: AttackSpeedSetting,
  name: AttackName,
): Promise<AttackSpeed> {
  const attack = ATTACK_LIST.find((one) => one.name === name)
  const excluded = attack === undefined ? 'there is no such attack' : attack.excluded(problem)
  if (attack === undefined || excluded !== null) {
    const nothing = { iterations: 0, seconds: 0, perSecond: null, gradientEvaluations: 0 }
    return { name, ...nothing, excluded }
  }
  const input = (budget: AttackBudget): AttackInput => ({
    ...{ problem, generator, budget, now: () => performance.now() },
    stream: createStreams(SEED)('attack', 0, 0),
  })
  await attack.run(input(WARM_UP))
  // As many generations as stages have iterations, each of three candidates: one iteration.
  const budget = { ...WARM_UP, stageIterations, cmaGenerations: stageIterations }
  const { iterations, seconds, gradientEvaluations } = await attack.run(input(budget))
  const perSecond = iterations === 0 || seconds === 0 ? null : iterations / seconds
  return { name, iterations, seconds, perSecond, gradientEvaluations, excluded: null }
}

/**
 * The client of the profile `features` (fedd2s specification §7, steps 2 and 3): trains its own model on its own examples, taught
 * by the soft labels or the head that it has, and sends what it sees at the cut. What it trained it keeps, whatever became of
 * the update.
 */
import type { Metrics } from '#protocol/record.js'
import { keepingTraining } from '#algorithms/methods/kept-training.js'
import { trainFrom } from '#algorithms/methods/local-training.js'
import type { ClientHalf, PerformResult } from '#algorithms/methods/method.js'
import { toTensors } from '#algorithms/models/params.js'
import type { Tap } from '#algorithms/models/taps.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { adapterShape } from './adapter.js'
import { architecturesOf, type FedD2SSetup } from './architectures.js'
import { divergenceOf, distribution, logDistribution, rowCollector } from './collector.js'
import { lessonOf, type Lesson, type Round } from './lesson.js'
import { memoryOf, personalHalf, personalOf, type Personal } from './memory.js'
import { forExamples } from './passes.js'
import { chosenRows, packedRows } from './rows.js'
import { agesIn, hasLabel } from './soft-labels.js'
import { cutAt } from './split.js'
import { SAMPLES, taskOf } from './wire.js'

export function featuresClient(setup: FedD2SSetup): ClientHalf {
  const architectures = architecturesOf(setup)
  return keepingTraining({
    ...personalHalf(setup, architectures),
    perform: (input) => perform({ setup, architectures, input, task: taskOf(input.task) }),
  })
}

async function perform(round: Round): Promise<PerformResult> {
  const { setup, architectures, input, task } = round
  const before = personalOf(setup, architectures, input)
  const lesson = lessonOf(round, before)
  try {
    const trained = await trainFrom(setup, input, lesson)
    const size = before.architecture.model.parameterCount
    const after: Personal = {
      architecture: before.architecture,
      params: trained.params.slice(0, size),
      store: lesson.store,
      adapter: lesson.isAdapterMoving
        ? { cut: task.cut!, matrix: trained.params.slice(size) }
        : null,
    }
    const { update, metrics } = await lookedOver(round, lesson, after)
    return {
      update,
      weight: trained.weight,
      metrics: { loss: trained.loss, steps: trained.steps, ...metrics },
      pending: memoryOf(after),
    }
  } finally {
    tf.dispose([...lesson.tensors])
  }
}

/** The tensors of the trained model, and of its adapter as it is now. */
function tensorsAfter(
  { setup, architectures, task }: Round,
  { adapter }: Lesson,
  { architecture, params, adapter: moved }: Personal,
) {
  const own = toTensors(architecture.model, params)
  const where = { architectures, architecture }
  const shape = task.cut === null ? null : adapterShape(setup, { ...where, cut: task.cut })
  const map =
    moved === null || shape === null
      ? adapter
      : tf.tensor2d(moved.matrix.slice(), [shape.from, shape.to])
  return { own, map, made: map === adapter ? own : [...own, map!] }
}

/** One run over the examples: the update, and the terms of the loss after training. */
async function lookedOver(
  round: Round,
  lesson: Lesson,
  after: Personal,
): Promise<Pick<PerformResult, 'update' | 'metrics'>> {
  const { setup, input, task } = round
  const { own, map, made } = tensorsAfter(round, lesson, after)
  try {
    const { model, cuts } = after.architecture
    const tap = task.cut === null ? null : cutAt(cuts, task.cut)
    const { teacher } = lesson
    const pass = { model, params: own, teacher, cut: tap === null ? null : { tap, adapter: map } }
    const rows = tap === null ? null : rowsAt(round, shapeBehind(tap, map))
    const scores = scoreKeeper(round, lesson)
    await forExamples(pass, input.data.train, (place, outputs) => {
      scores.add(place, outputs.logits, outputs.taught)
      if (rows !== null && outputs.features !== null)
        rows.add(place, outputs.features, outputs.logits)
    })
    const metrics = scores.finish()
    if (rows === null) return { update: {}, metrics }
    const sent = packedRows(setup, rows.finish(), { round: task.round, slot: input.slot })
    return { update: { [SAMPLES]: sent }, metrics }
  } finally {
    tf.dispose(made)
  }
}

/** The last axis is the adapter's. */
const shapeBehind = ({ shape }: Tap, adapter: Tensor | null): readonly number[] =>
  adapter === null ? shape : [...shape.slice(0, -1), adapter.shape[1]!]

function rowsAt({ setup, input, task }: Round, shape: readonly number[]) {
  const choice = chosenRows(setup, {
    ...{ examples: input.data.train, round: task.round, slot: input.slot },
  })
  const collector = rowCollector(setup, choice, shape)
  const chosen = new Set(choice.places)
  return {
    finish: () => collector.finish(),
    add(place: number, features: Float32Array, logits: Float32Array): void {
      if (chosen.has(place)) collector.add(features, logits)
    },
  }
}

/** Means over all examples, as in the loss: who has no soft label counts 0 in the divergence. */
function scoreKeeper({ setup, input, task }: Round, { store, teacher }: Lesson) {
  const { hyper, model } = setup
  const { source, indices } = input.data.train
  let [crossEntropy, divergence] = [0, 0]
  const softLabelOf = (place: number, taught: Float32Array | null): Float32Array | null => {
    if (taught !== null) return distribution(taught, hyper.temperature)
    if (store === null || !hasLabel(store, place)) return null
    return store.values.subarray(place * model.classes, (place + 1) * model.classes)
  }
  return {
    add(place: number, logits: Float32Array, taught: Float32Array | null): void {
      crossEntropy -= logDistribution(logits, 1)[source.labels[indices[place]!]!]!
      const q = softLabelOf(place, taught)
      if (q !== null) divergence += divergenceOf(logits, q, hyper)
    },
    finish(): Metrics {
      const terms = {
        crossEntropy: crossEntropy / indices.length,
        divergence: divergence / indices.length,
      }
      if (store === null) return teacher === null ? { crossEntropy: terms.crossEntropy } : terms
      const { share, age } = agesIn(store, task.round)
      return { ...terms, softLabels: share, softLabelAge: age }
    },
  }
}

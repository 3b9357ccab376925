/** What teaches a client in a round: its examples alone, soft labels that came back, or the head that it downloaded. */
import type { PerformInput } from '#algorithms/methods/method.js'
import { toTensors } from '#algorithms/models/params.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { wholeModel, type Objective } from '#algorithms/training/objective.js'
import { adapterShape, frozenAdapter, type AdapterShape } from './adapter.js'
import { groupsOf, type Architecture, type FedD2SSetup } from './architectures.js'
import type { Personal } from './memory.js'
import { movesAdapter, towardsHead, towardsSoftLabels, type HeadTeacher } from './objective.js'
import {
  emptyStore,
  hasAny,
  withoutOld,
  withSoftLabels,
  type SoftLabelStore,
} from './soft-labels.js'
import { cutAt, headAbove } from './split.js'
import { headIn, softLabelsIn, type FedD2STask } from './wire.js'

export interface Lesson {
  readonly objective: Objective
  /** The params to start from, with those of the adapter behind them where it moves. */
  readonly start: Float32Array
  /** With soft labels: those that the client has now. */
  readonly store: SoftLabelStore | null
  /** The downloaded head, where the client learns from it. */
  readonly teacher: HeadTeacher | null
  /** As it is before training; null: none is needed. */
  readonly adapter: Tensor | null
  readonly isAdapterMoving: boolean
  /** To be disposed when the round is over. */
  readonly tensors: readonly Tensor[]
}
/** All that a round of one client hangs on. */
export interface Round {
  readonly setup: FedD2SSetup
  readonly architectures: readonly Architecture[]
  readonly input: PerformInput
  readonly task: FedD2STask
}

/** With λ_c = 0, or without anything to learn from, it is exactly the plain local training of the model. */
export function lessonOf(round: Round, before: Personal): Lesson {
  const { setup, task } = round
  const { model } = before.architecture
  const alone: Lesson = {
    ...{ objective: wholeModel(model), start: before.params, store: null, teacher: null },
    ...{ adapter: null, isAdapterMoving: false, tensors: [] },
  }
  if (task.cut === null) return alone
  const map = adapterBefore(round, before, task.cut)
  if (setup.hyper.transfer === 'headDownload')
    return fromHead(round, before, { alone, cut: task.cut, map })
  const store = storeNow(round, before)
  const { clientDivergence: weight, ...softness } = setup.hyper
  const adapter = tensorOf(map)
  return {
    ...alone,
    ...{ store, adapter, tensors: adapter === null ? [] : [adapter] },
    ...(weight === 0 || !hasAny(store)
      ? {}
      : { objective: towardsSoftLabels(model, store, { weight, ...softness }) }),
  }
}

function storeNow(
  { setup, input, task }: Round,
  { store, architecture: { model } }: Personal,
): SoftLabelStore {
  const { personal, slot, data } = input
  const examples = data.train
  const count = examples.indices.length
  // Of other data than these: nothing is known of them.
  const kept = store?.rounds.length === count ? store : emptyStore(count, model.classes)
  const merged =
    personal === null
      ? kept
      : withSoftLabels(setup, kept, {
          ...{ examples, slot, softLabels: softLabelsIn(personal, model.classes) },
        })
  return withoutOld(merged, task.round, setup.hyper.maxSoftLabelAge)
}

/** The KL term is left out the first time that a client takes part; the pull on its features is not. */
function fromHead(
  { setup, architectures, input }: Round,
  { architecture, params }: Personal,
  {
    alone,
    cut,
    map,
  }: { readonly alone: Lesson; readonly cut: string; readonly map: LinearMap | null },
): Lesson {
  const { featurePull: pull, clientDivergence, ...softness } = setup.hyper
  const weight = input.memory === null ? 0 : clientDivergence
  const group = groupsOf(architectures)[architecture.group]!
  const head = headAbove(group.architecture.model, cutAt(group.architecture.cuts, cut))
  const isTaught = weight > 0 || pull > 0
  const flat = isTaught ? headIn(input.shared, group.index, head.layout) : null
  const adapter = tensorOf(map)
  const own = adapter === null ? [] : [adapter]
  if (flat === null) return { ...alone, adapter, tensors: own }
  const tensors = toTensors(head.layout, flat)
  const teacher: HeadTeacher = {
    ...{ head, params: tensors, adapter, tap: cutAt(architecture.cuts, cut) },
  }
  const isAdapterMoving = movesAdapter(teacher, { pull })
  return {
    ...alone,
    objective: towardsHead(architecture.model, teacher, { weight, pull, ...softness }),
    start: isAdapterMoving ? joined(params, map!.matrix) : params,
    ...{ teacher, adapter, isAdapterMoving, tensors: [...own, ...tensors] },
  }
}

function joined(a: Float32Array, b: Float32Array): Float32Array {
  const both = new Float32Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}

interface LinearMap extends AdapterShape {
  readonly matrix: Float32Array
}
const tensorOf = (map: LinearMap | null): Tensor | null =>
  map === null ? null : tf.tensor2d(map.matrix.slice(), [map.from, map.to])

/** As this client trained it for this cut, else as it is drawn. */
function adapterBefore(
  { setup, architectures }: Round,
  { architecture, adapter }: Personal,
  cut: string,
): LinearMap | null {
  const where = { architectures, architecture, cut }
  const shape = adapterShape(setup, where)
  if (shape === null) return null
  const matrix = adapter?.cut === cut ? adapter.matrix : frozenAdapter(setup, where, shape)
  return { ...shape, matrix }
}

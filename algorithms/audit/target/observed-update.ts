/** The update of known records, as an observer sees it. Gifd specification §2, §4.4, §10. */
import { stepsOf } from '#protocol/audit-settings.js'
import { FederationError } from '#protocol/errors.js'
import type { RunConfig } from '#protocol/run-config.js'
import { rowSize, type Examples } from '#data/dataset.js'
import type { LocalRule } from '#algorithms/audit/matching/local-update.js'
import type { ObservedTransformation } from '#algorithms/audit/matching/transformation.js'
import { modelOf } from '#algorithms/from-config.js'
import { shapeText } from '#algorithms/models/blocks/block-maker.js'
import type { Model } from '#algorithms/models/model.js'
import { toTensors } from '#algorithms/models/params.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { decayed } from '#algorithms/training/weight-decay.js'
import { assertAuditable, type Approximation } from './auditable.js'
import { clientUpdate, type ClientUpdate, type DeltaParts } from './client-update.js'
import {
  asGradient,
  floorOf,
  seenDefence,
  signalOf,
  type SeenDefence,
  type Signal,
} from './observer.js'
import { assertConsent, type AuditRecords } from './records.js'
import { perUnitOf, ruleOf } from './simulated-rule.js'

export type { Approximation } from './auditable.js'

/** What the operator does not have to guess, and what an observer knows as well: gifd specification §3. */
export interface ObservedSettings {
  readonly model: Model
  /** Records behind the observed update, of all clients together. */
  readonly batch: number
}

export interface ObservedUpdate extends ObservedTransformation {
  readonly settings: ObservedSettings
  /** How an update of other records is computed. */
  readonly rule: LocalRule
  /** Params before the update, in the model's order. */
  readonly params: readonly Tensor[]
  /**
   * The update as it left the client, after its transforms, as a gradient: −Δ / (η K), and for momentum accordingly; without
   * weight decay, unless the update was clipped. In the model's order, 0 where nothing was sent.
   */
  readonly observed: readonly Tensor[]
  /** Ascending; inferred from the update, or given in the worst case. */
  readonly labels: Int32Array
  /** Cosine distance that remains at the true records because of noise or rounding; null: none, or none is known. */
  readonly floor: number | null
  readonly approximation: Approximation
  readonly signal: Signal
  /** What limits or explains the numbers, for the report. Sentences. */
  readonly remarks: readonly string[]
  dispose(): void
}

/** What labels are read off: gifd specification §4. */
export interface UpdateEvidence {
  readonly model: Model
  /** As `ObservedUpdate.observed`. */
  readonly observed: DeltaParts
  readonly batch: number
  /** It may have been made shorter by an unknown factor. */
  readonly isScaled: boolean
}
/** As many labels as the batch has records, in any order. */
export type LabelInference = (evidence: UpdateEvidence) => { readonly labels: Int32Array }

export interface TargetSpec {
  /** Complete, and as the audited client runs it: its local epochs, batch size and update transforms. */
  readonly config: RunConfig
  /** What the client receives: a full set of the model's params. */
  readonly params: Float32Array
  /** Of all clients, dealt in order into equal parts. */
  readonly records: AuditRecords
  readonly clients: number
  /** Of the first client; its shuffles and its noise hang on it and the run's seed. The others have the numbers behind it. */
  readonly slot: number
  readonly approximation: Approximation
  /** given: the worst case, the attacker knows them. */
  readonly labels: LabelInference | 'given'
}

/** See `makeTarget`, which is the only one to call it. */
export async function observeRecords(spec: TargetSpec): Promise<ObservedUpdate> {
  const { records, params, slot, approximation, clients } = spec
  assertConsent(records)
  // The params are given: nothing else is fetched.
  const config: RunConfig = { ...spec.config, startFrom: null }
  const model = modelOf(config)
  const shares = sharesOf(spec, model)
  const each = records.examples.indices.length / clients
  const remarks = await assertAuditable(config, { records: each, approximation, clients })
  const updates: ClientUpdate[] = []
  for (const [i, examples] of shares.entries()) {
    updates.push(await clientUpdate({ config, params, examples, slot: slot + i }))
  }
  return observedUpdate(spec, { config, model, updates, remarks })
}

function sharesOf({ records, clients }: TargetSpec, model: Model): readonly Examples[] {
  const { source, indices } = records.examples
  const each = indices.length / clients
  if (!Number.isInteger(each) || each < 1) {
    throw new FederationError(
      'internal/bug',
      `${indices.length} records cannot be dealt to ${clients} clients in equal parts`,
    )
  }
  if (shapeText(source.inputShape) !== shapeText(model.inputShape)) {
    throw new FederationError(
      'audit/data-mismatch',
      `The audited records have shape ${shapeText(source.inputShape)}, and ${model.name} takes ${shapeText(model.inputShape)}`,
    )
  }
  return Array.from({ length: clients }, (_, i) => ({
    source,
    indices: indices.slice(i * each, (i + 1) * each),
  }))
}

interface Sent {
  readonly config: RunConfig
  readonly model: Model
  readonly updates: readonly ClientUpdate[]
  readonly remarks: readonly string[]
}

function observedUpdate(
  spec: TargetSpec,
  { config, model, updates, remarks }: Sent,
): ObservedUpdate {
  const { approximation, clients } = spec
  const batch = spec.records.examples.indices.length
  const localSteps = stepsOf(config, batch / clients)
  const rule = ruleOf(config, { localSteps, approximation })
  const perUnit = perUnitOf(config, localSteps)
  const defence = seenDefence(config, { perUnit, clients })
  const raw = asGradient(
    updates.map(({ sent }) => sent),
    perUnit,
  )
  const { observed, tensors } = keptTensors(spec, { config, model, raw, defence })
  const inputs = batch * rowSize(model.inputShape)
  const evidence = { ...{ model, updates, perUnit, defence, inputs }, raw, observed }
  const signal = signalOf(evidence)
  const isScaled = defence.clipNorm !== null
  return {
    ...tensors,
    ...{ rule, signal, approximation, remarks },
    ...{ clipNorm: defence.clipNorm, isMaskedFirst: defence.isMaskedFirst },
    settings: { model, batch },
    labels: labelsFor(spec, { model, observed, batch, isScaled }),
    floor: floorOf(evidence, signal),
    dispose: () => {
      tf.dispose(Object.values(tensors).flatMap((held) => [...(held ?? [])]))
    },
  }
}

interface Observation {
  readonly config: RunConfig
  readonly model: Model
  readonly raw: DeltaParts
  readonly defence: SeenDefence
}

/** The tensors of a target, and the observed ones as numbers. */
function keptTensors({ params }: TargetSpec, { config, model, raw, defence }: Observation) {
  const { optimizer } = config.training
  const asTensors = (parts: DeltaParts): readonly Tensor[] =>
    Object.freeze(parts.map((part, i) => tf.tensor(part, [...model.params[i]!.shape])))
  const start = Object.freeze(toTensors(model, params))
  // A clipped update is shorter than the gradient by a factor that nobody knows, and so is the decay in it.
  const isTakenOff = optimizer.weightDecay > 0 && defence.clipNorm === null
  const shift = isTakenOff
    ? Object.freeze(
        tf.tidy(() => [
          ...decayed(
            start.map((param) => tf.zerosLike(param)),
            start,
            optimizer,
          ),
        ]),
      )
    : null
  const observed = shift === null ? raw : withoutDecay(raw, shift, defence)
  const support = defence.isSparse
    ? asTensors(raw.map((part) => part.map((value) => (value === 0 ? 0 : 1))))
    : null
  return { observed, tensors: { params: start, observed: asTensors(observed), support, shift } }
}

const withoutDecay = (
  raw: DeltaParts,
  shift: readonly Tensor[],
  { isSparse }: SeenDefence,
): DeltaParts =>
  raw.map((part, i) => {
    const decay = shift[i]!.dataSync()
    return part.map((value, j) => (isSparse && value === 0 ? 0 : value - decay[j]!))
  })

/** Ascending: the order of the slots of a made-up batch, whatever that of the records (gifd specification §4.5). */
function labelsFor({ labels, records }: TargetSpec, evidence: UpdateEvidence): Int32Array {
  const { source, indices } = records.examples
  const known =
    labels === 'given'
      ? Int32Array.from(indices, (row) => source.labels[row]!)
      : labels(evidence).labels
  if (known.length !== evidence.batch) {
    throw new FederationError(
      'internal/bug',
      `Expected ${evidence.batch} labels, got ${known.length}`,
    )
  }
  return known.slice().sort()
}

/** The soft labels that a client holds for its training examples (the q-store of the fedd2s specification §7). */
import type { Slot } from '#protocol/ids.js'
import type { Examples } from '#data/dataset.js'
import type { FedD2SSetup } from './architectures.js'
import { chosenRows, rowByPlace } from './rows.js'
import type { SoftLabels } from './wire.js'

/** By place among the training examples. */
export interface SoftLabelStore {
  /** [K, C]; a row of zeros where there is none. */
  readonly values: Float32Array
  /** The round r that each is from; −1: there is none. */
  readonly rounds: Int32Array
}
const NONE = -1

export const emptyStore = (examples: number, classes: number): SoftLabelStore => ({
  values: new Float32Array(examples * classes),
  rounds: new Int32Array(examples).fill(NONE),
})

/**
 * The store with what came back: the rows of that round are drawn again, and what they label is overwritten. Soft labels for
 * another number of rows than these examples make are for other data, and are left out.
 */
export function withSoftLabels(
  setup: FedD2SSetup,
  store: SoftLabelStore,
  {
    examples,
    slot,
    softLabels: { round, values },
  }: { readonly examples: Examples; readonly slot: Slot; readonly softLabels: SoftLabels },
): SoftLabelStore {
  const { classes } = setup.model
  const choice = chosenRows(setup, { examples, round, slot })
  if (values.length !== choice.labels.length * classes) return store
  const [labelled, rounds] = [store.values.slice(), store.rounds.slice()]
  rowByPlace(setup, choice, examples).forEach((row, place) => {
    if (row < 0 || round < rounds[place]!) return
    labelled.set(values.subarray(row * classes, (row + 1) * classes), place * classes)
    rounds[place] = round
  })
  return { values: labelled, rounds }
}

/** Without soft labels that are older than `most` rounds in round r; null: none is too old. */
export function withoutOld(
  { values, rounds }: SoftLabelStore,
  round: number,
  most: number | null,
): SoftLabelStore {
  const isOld = (from: number): boolean => from !== NONE && most !== null && round - from > most
  const classes = values.length / rounds.length
  const kept = values.map((value, i) => (isOld(rounds[Math.floor(i / classes)]!) ? 0 : value))
  return { values: kept, rounds: rounds.map((from) => (isOld(from) ? NONE : from)) }
}

/** Whether the example at this place has a soft label. */
export const hasLabel = ({ rounds }: SoftLabelStore, place: number): boolean =>
  rounds[place]! !== NONE

/** Share of the examples that have one, and their mean age in rounds (0 where none has). */
export function agesIn(
  { rounds }: SoftLabelStore,
  round: number,
): { readonly share: number; readonly age: number } {
  const labelled = rounds.filter((from) => from !== NONE)
  const total = labelled.reduce((sum, from) => sum + (round - from), 0)
  return {
    share: labelled.length / rounds.length,
    age: labelled.length === 0 ? 0 : total / labelled.length,
  }
}

export const hasAny = ({ rounds }: SoftLabelStore): boolean => rounds.some((from) => from !== NONE)

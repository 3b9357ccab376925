/** What must hold for the records of an audit, or its numbers would say something else than they seem to. */
import { FederationError } from '#protocol/errors.js'
import { wholeDataset, type Dataset } from '#data/dataset.js'
import type { LayeredGenerator } from '#algorithms/audit/generator/layered-generator.js'
import { assertUnseen, recordHashes } from '#algorithms/audit/generator/record-hash.js'
import type { ChosenRecord } from './choose-records.js'

/** What a rounding on the way may add. */
const ROUNDING = 1e-5

/** Throws `config/impossible` for numbers outside of [0, 1]: attacks look for none of them, so that every result would flatter. */
export function assertPixels({ features }: Dataset, key: string): void {
  let [least, most, isNumber] = [Infinity, -Infinity, true]
  for (const value of features) {
    if (value < least) least = value
    if (value > most) most = value
    if (Number.isNaN(value)) isNumber = false
  }
  if (isNumber && least >= -ROUNDING && most <= 1 + ROUNDING) return
  const found = isNumber
    ? `numbers from ${Number(least.toPrecision(3))} to ${Number(most.toPrecision(3))}`
    : 'numbers that are none'
  throw new FederationError(
    'config/impossible',
    `${key} has records with ${found}, and attacks look for numbers from 0 to 1 only; scale its records to that range (the model can scale them back)`,
  )
}

export interface ChosenFrom {
  readonly pool: Dataset
  readonly chosen: readonly ChosenRecord[]
}

const audited = ({ pool, chosen }: ChosenFrom) => ({
  source: pool,
  indices: Int32Array.from(chosen, ({ row }) => row),
})

/** Throws `config/impossible` where an audited record is among those that the attacker is taken to have, under whatever name. */
export function assertNotPublic(from: ChosenFrom, auxiliary: Dataset): void {
  const known = new Set(recordHashes(wholeDataset(auxiliary)))
  const count = recordHashes(audited(from)).filter((hash) => known.has(hash)).length
  if (count === 0) return
  throw new FederationError(
    'config/impossible',
    `${count === 1 ? '1 audited record is' : `${count} audited records are`} also in auxiliary, which stands for what an attacker has without the update; give them data without common records`,
  )
}

/**
 * Throws `audit/record-known` where the generator was trained on an audited record, which it could give back without any update,
 * or on one that takes its place or that it is told from, which it would be mistaken for.
 */
export function assertStrange(generator: LayeredGenerator, from: ChosenFrom): void {
  assertUnseen(generator, audited(from))
  const { pool, chosen } = from
  const others = new Set(
    chosen.flatMap(({ placebo, candidates }) => [
      placebo,
      ...candidates.anyClass,
      ...candidates.sameClass,
    ]),
  )
  const hashes = recordHashes({ source: pool, indices: Int32Array.from(others) })
  const count = hashes.filter((hash) => generator.trainingRecords.has(hash)).length
  if (count === 0) return
  throw new FederationError(
    'audit/record-known',
    `The generator was trained on ${count} of the ${others.size} records that audited ones are compared with or told from (${generator.trainedOn}); give records.data a share that the generator was not trained on`,
  )
}

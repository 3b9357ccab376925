import type { DataCard } from '#protocol/data-card.js'
import type { TaskConfig } from '#protocol/run-config.js'
import { countLabels, type Dataset } from './dataset.js'

interface CardFacts {
  readonly dataset: Dataset
  /** How many of the client's rows it trains on, and keeps for testing. */
  readonly train: number
  readonly test: number
  /** The client's own labels. */
  readonly labels: Int32Array
  readonly source: DataCard['source'] | null
  /** Whether the owner lets the counts be known. */
  readonly shareCounts: boolean
}

/** What a client tells about its data. */
export function makeCard({
  dataset,
  train,
  test,
  labels,
  source,
  shareCounts,
}: CardFacts): DataCard {
  const counts = { train, test, perClass: countLabels(labels, dataset.classes.length) }
  return {
    inputShape: [...dataset.inputShape],
    classes: [...dataset.classes],
    ...(shareCounts ? { counts } : {}),
    ...(train === 0 ? { trains: false as const } : {}),
    ...(source === null || source === undefined ? {} : { source }),
  }
}

const shapeText = (shape: readonly number[]): string => shape.join(' × ')

function shapeDifference(own: readonly number[], asked: readonly number[]): string | null {
  const same = own.length === asked.length && own.every((size, i) => size === asked[i])
  return same ? null : `inputs are ${shapeText(own)} here and ${shapeText(asked)} in the run`
}

function classDifference(own: readonly string[], asked: readonly string[]): string | null {
  if (own.length !== asked.length)
    return `there are ${own.length} classes here and ${asked.length} in the run`
  const at = own.findIndex((name, i) => name !== asked[i])
  if (at < 0) return null
  const order = own.every((name) => asked.includes(name))
    ? ' (the same names in another order)'
    : ''
  return `class ${at} is "${own[at]}" here and "${asked[at]}" in the run${order}`
}

/** Why data with this card cannot take part in a run with this task; null when they can. Order of classes matters. */
export function matchCard(
  card: Pick<DataCard, 'inputShape' | 'classes'>,
  task: TaskConfig,
): string | null {
  const differences = [
    shapeDifference(card.inputShape, task.inputShape),
    classDifference(card.classes, task.classes),
  ].filter((one) => one !== null)
  return differences.length === 0 ? null : `The data do not fit: ${differences.join('; ')}`
}

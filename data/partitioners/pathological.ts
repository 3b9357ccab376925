import { countLabels } from '#data/dataset.js'
import { rowsByClass } from './by-class.js'
import { concat, cutEvenly } from './cut.js'
import type { Partitioner, PartitionRequest } from './partitioner.js'

/** Labels that some row has. */
const presentLabels = ({ labels, classes }: PartitionRequest): number[] =>
  countLabels(labels, classes).flatMap((count, label) => (count > 0 ? [label] : []))

/**
 * The labels of every client. They are dealt like cards: all of them in a random order, then all of them again, C to each
 * client. So no label is held by two clients more than another. Where a deck runs out in a client's hand, the labels that it
 * holds go to the bottom of the next deck, and it gets no label twice.
 */
function dealLabels({ parameter: each, clients, stream }: PartitionRequest, present: number[]) {
  const hands: number[][] = []
  let [deck, decks] = [[] as number[], 0]
  for (let client = 0; client < clients; client++) {
    const hand = deck.splice(0, each)
    if (hand.length < each) {
      const fresh = stream(0, decks++).shuffle(present.slice())
      deck = [
        ...fresh.filter((label) => !hand.includes(label)),
        ...fresh.filter((label) => hand.includes(label)),
      ]
      hand.push(...deck.splice(0, each - hand.length))
    }
    hands.push(hand)
  }
  return hands
}

/**
 * Label skew: every client holds rows of exactly C classes. The rows of a class are shuffled and divided evenly among the
 * clients that hold it. This is the setting #C = k of Q. Li et al., "Federated learning on non-IID data silos", ICDE 2022,
 * https://arxiv.org/abs/2102.02079, and what work on personalisation calls pathological, as L. Collins et al., "Exploiting
 * shared representations for personalized federated learning", ICML 2021, https://arxiv.org/abs/2102.07078. Theirs draw
 * labels at random; here they are dealt, so that every class has a holder and none has two more than another.
 *
 * Not `shards`: there, pieces of the rows sorted by label are dealt, whichever labels they hold. Two pieces may be of one
 * class and a piece may straddle two, so a client has about S classes, and all have as many rows. Here it has C, always,
 * and sizes differ where classes do. Symbols: C = k = `parameter`.
 */
export const pathological: Partitioner = {
  name: 'pathological',
  usage: 'pathological:C[:seed=N]',
  summary: 'label skew: exactly C classes for each client',
  parameter: { label: 'C', above: 0, max: 1e6, whole: true },
  takesMin: false,
  refusal: (request) => {
    const { labels, classes, parameter: each, clients } = request
    const present = presentLabels(request)
    if (each > present.length) return `needs rows of ${each} classes, there are ${present.length}`
    if (each * clients < present.length)
      return `needs at least ${Math.ceil(present.length / each)} clients, so that each of ${present.length} classes has one`
    const holders = Math.ceil((each * clients) / present.length)
    const fewest = Math.min(...countLabels(labels, classes).filter((count) => count > 0))
    return fewest >= holders
      ? null
      : `needs ${holders} rows of every class, one for each client that holds it; one class has ${fewest}`
  },
  split: (request) => {
    const { labels, classes, clients, stream } = request
    const hands = dealLabels(request, presentLabels(request))
    const parts = Array.from({ length: clients }, () => [] as Int32Array[])
    for (const [label, rows] of rowsByClass(labels, classes).entries()) {
      const holders = parts.filter((_, client) => hands[client]!.includes(label))
      const pieces = cutEvenly(stream(1, label).shuffle(rows), holders.length)
      holders.forEach((part, i) => part.push(pieces[i]!))
    }
    return parts.map(concat)
  },
}

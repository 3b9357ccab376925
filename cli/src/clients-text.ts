/** How well and how evenly a run serves its clients, in words. */
import type { ClientMeans, ClientSummary } from '#simulations/report/clients.js'
import { percent } from '#simulations/report/numbers.js'

/** Nothing where clients scored nothing. */
export function clientLines(summary: ClientSummary | null): readonly string[] {
  if (summary === null) return []
  return [meanLine(summary), ...singleLines(summary), ...untrainedLines(summary)]
}

const counted = (count: number, noun = 'client'): string =>
  `${count} ${noun}${count === 1 ? '' : 's'}`

function meanLine({ count, accuracy, deviation, worst, worst10, own, isUnderWay }: ClientSummary) {
  const whose =
    own === null
      ? `over ${counted(count)} with the shared model`
      : `of the own models of ${counted(count)}`
  const lowest = worst10 === worst ? '' : `, worst 10 % ${percent(worst10)}`
  const when = isUnderWay ? ', in the last round that asked them' : ''
  return `clients: mean accuracy ${percent(accuracy)} ${whose}, deviation between them ${percent(deviation)}, worst ${percent(worst)}${lowest}${when}`
}

/** What they are right about is no merit of the method. */
function singleLines({ singleClass, severalClasses, count }: ClientSummary): readonly string[] {
  if (singleClass === null || singleClass === 0) return []
  const who =
    singleClass === count && count > 1
      ? 'all of them train on one class each'
      : `${counted(singleClass)} ${singleClass === 1 ? 'trains' : 'train'} on one class`
  return [
    severalClasses === null
      ? `  ${who}`
      : `  ${who}; without ${singleClass === 1 ? 'it' : 'them'} the mean is ${percent(severalClasses)}`,
  ]
}

/** Who was never asked, or could not train. */
function untrainedLines({ own, count }: ClientSummary): readonly string[] {
  if (own === null || own.trained === count) return []
  const lacking = count - own.trained
  const others =
    own.accuracy === null ? '' : `; the mean over the others is ${percent(own.accuracy)}`
  return [
    `  ${counted(lacking)} ${lacking === 1 ? 'has' : 'have'} no model of ${lacking === 1 ? 'its' : 'their'} own yet and ${lacking === 1 ? 'predicts' : 'predict'} with what all begin with${others}`,
  ]
}

/** Over several runs that differ in their seed. */
export function clientMeansLine({ runs, accuracy, spread, deviation, worst }: ClientMeans): string {
  const over = spread === null ? '' : ` ± ${percent(spread)}`
  return `clients: mean accuracy ${percent(accuracy)}${over}, deviation between them ${percent(deviation)}, worst ${percent(worst)}, over ${runs} seeds`
}

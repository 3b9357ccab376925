/** What metrics of a run are called, and how their values are written. */
import { count, number, percent, percentTick } from './format.js'

export interface MetricWords {
  readonly label: string
  readonly format: (value: number) => string
  /** Shorter, along an axis. */
  readonly tick: (value: number) => string
  /** From 0 to 1. */
  readonly isShare: boolean
  /** It counts something. */
  readonly isWhole: boolean
}

type Unit = 'share' | 'number' | 'count'
const FIXED: Readonly<Record<string, readonly [label: string, unit: Unit]>> = {
  accuracy: ['Accuracy', 'share'],
  loss: ['Loss', 'number'],
  'federated/accuracy': ['Accuracy on clients’ data', 'share'],
  'federated/loss': ['Loss on clients’ data', 'number'],
  'clients/accuracy': ['Mean accuracy of clients', 'share'],
  'clients/worst': ['Worst client', 'share'],
  'clients/worst10': ['Lowest tenth of clients', 'share'],
  'clients/deviation': ['Deviation between clients', 'share'],
  'clients/variance': ['Variance between clients', 'number'],
  'clients/jain': ['Jain’s index of clients', 'number'],
  'clients/count': ['Clients that scored', 'count'],
  'clients/singleClass': ['Clients with one class', 'count'],
  'clients/severalClasses/accuracy': ['Mean accuracy of clients with several classes', 'share'],
  'clients/trained': ['Clients with a model of their own', 'count'],
  'clients/trained/accuracy': ['Mean accuracy of clients with a model of their own', 'share'],
  'federated/lowestAccuracy': ['Worst client', 'share'],
  'federated/highestAccuracy': ['Best client', 'share'],
  'routing/effectiveEntries': ['Effective entries', 'number'],
  'routing/similarity': ['Cosine of chosen keys', 'number'],
  'routing/mutualInformation': ['Domain and entry, mutual information', 'number'],
  'calibration/clients': ['Clients that answered the calibration', 'count'],
  'calibration/asked': ['Clients asked by the calibration', 'count'],
  'calibration/examples': ['Examples behind the calibration', 'count'],
  'calibration/missingClasses': ['Classes nobody holds', 'count'],
  'calibration/lowRankClasses': ['Classes with few examples', 'count'],
  'calibration/jitter': ['Largest jitter of the calibration', 'number'],
  cut: ['Layers below the cut', 'count'],
  stage: ['Stage', 'count'],
  'head/loss': ['Loss of the heads', 'number'],
  effectiveSteps: ['Effective steps', 'number'],
}
const BELOW: readonly (readonly [prefix: string, label: (rest: string) => string, unit: Unit])[] = [
  ['recall/', (name) => `Recall of ${name}`, 'share'],
  ['federated/recall/', (name) => `Recall of ${name} on clients’ data`, 'share'],
  ['accuracy/domain/', (name) => `Accuracy in ${name}`, 'share'],
  ['federated/accuracy/domain/', (name) => `Accuracy in ${name} on clients’ data`, 'share'],
  ['routing/usage/', (name) => `Use of entry ${name}`, 'share'],
]

export function metricWords(name: string): MetricWords {
  const fixed = Object.hasOwn(FIXED, name) ? FIXED[name] : undefined
  if (fixed !== undefined) return wordsOf(fixed[0], fixed[1])
  for (const [prefix, label, unit] of BELOW)
    if (name.startsWith(prefix)) return wordsOf(label(name.slice(prefix.length)), unit)
  return wordsOf(name, /(^|\/)(accuracy|recall)\b/i.test(name) ? 'share' : 'number')
}

function wordsOf(label: string, unit: Unit): MetricWords {
  const kind = { label, isShare: unit === 'share', isWhole: unit === 'count' }
  if (unit === 'share') return { ...kind, format: percent, tick: percentTick }
  if (unit === 'count') return { ...kind, format: (value) => count(Math.round(value)), tick: count }
  return { ...kind, format: number, tick: number }
}

/** The metrics that most people ask for stand first, classes and pool entries last. */
export function inOrderOfInterest(names: readonly string[]): readonly string[] {
  const known = Object.keys(FIXED)
  const rank = (name: string): number => {
    const at = known.indexOf(name)
    if (at >= 0) return at
    const below = BELOW.findIndex(([prefix]) => name.startsWith(prefix))
    return known.length + 1 + below
  }
  return names.toSorted((a, b) => rank(a) - rank(b))
}

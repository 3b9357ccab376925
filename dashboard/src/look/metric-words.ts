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

/** Whose score it is, by what stands before `accuracy` and `loss`. */
const SCORES: Readonly<Record<string, string>> = {
  '': 'Released model',
  'federated/': 'Released model, on clients’ data',
  // Of the released model, or of models of their own: whatever the method scores there.
  'clients/': 'Mean over clients',
}
export const SCORE_PREFIXES: readonly string[] = Object.keys(SCORES)
/** What a score is of: the same for accuracy and loss. */
export function scoreLabel(name: string): string {
  const prefix = name.slice(0, name.lastIndexOf('/') + 1)
  return SCORES[prefix] ?? name
}

/** Of these, each is told for many things that are alike. */
const FAMILIES: Readonly<Record<string, string>> = {
  recall: 'Recall by class',
  'federated/recall': 'Recall by class, on clients’ data',
  'accuracy/domain': 'Accuracy by domain',
  'federated/accuracy/domain': 'Accuracy by domain, on clients’ data',
  'routing/usage': 'Use of pool entries',
  'calibration/virtualLoss': 'Calibration: loss on virtual features',
  'calibration/virtualAccuracy': 'Calibration: accuracy on virtual features',
  'calibration/realLoss': 'Calibration: loss on real data',
  'calibration/realAccuracy': 'Calibration: accuracy on real data',
}
/** What metrics are together whose names begin alike; null: they are no family. */
export const familyWords = (family: string): string | null =>
  Object.hasOwn(FAMILIES, family) ? (FAMILIES[family] ?? null) : null

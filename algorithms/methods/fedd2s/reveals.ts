/** What leaves clients, said plainly to who chooses the method (fedd2s specification §13). */
import type { Revealed } from '#algorithms/methods/method.js'
import { architecturesOf, type FedD2SSetup } from './architectures.js'
import type { FedD2SHyper } from './hyper.js'

/** Null with the profile `models`: params alone leave clients, as by federated averaging. */
export function revealedBy(setup: FedD2SSetup): Revealed | null {
  const { hyper } = setup
  if (hyper.profile === 'models') return null
  const sentences = [
    ...rowSentences(hyper),
    cutSentence(setup),
    hyper.serverTeacher === 'local' &&
      "Each row goes with the output of the client's own model, so the layers that stay with the client speak, too.",
    hyper.noise > 0 &&
      'Noise is drawn from the seed of the run: it hides activations from who has the uploads alone, and not from the coordinator, which knows the seed.',
    hyper.transfer === 'softLabels'
      ? 'Soft labels of single examples come back; whoever sees them can guess which examples were trained on.'
      : 'No answers for single examples come back: clients get the head.',
    'Secure aggregation cannot hide any of this: the coordinator needs single rows.',
    hyper.stopFederationAfter !== null &&
      `From round ${hyper.stopFederationAfter + 1} on nothing is sent.`,
    mitigations(hyper),
  ]
  return {
    classes: ['per-example'],
    text: sentences.filter((sentence) => sentence !== false).join(' '),
  }
}

function rowSentences({ rows, maxSamplesPerRound }: FedD2SHyper): readonly string[] {
  const whose = maxSamplesPerRound === null ? 'all' : `up to ${maxSamplesPerRound} of`
  if (rows === 'class-means') {
    return [
      `In every round each client sends, for every class among ${whose} its training examples, the mean activation and the label.`,
      'The coordinator learns which classes a client has; the mean of a class with one example is that example.',
    ]
  }
  return [
    `In every round each client sends, for ${whose} its training examples, the activation at the cut and the true label.`,
    'The coordinator learns how often each client has each class, and the label of each example.',
    'The same examples are sent again and again, from models that change: noise averages out, and examples can be followed.',
  ]
}

/** Dropping deep layers moves the cut towards the input: exposure grows just as models become personal. */
function cutSentence(setup: FedD2SSetup): string {
  const names = architecturesOf(setup)[0]!.cuts.map(({ name }) => name)
  const [deepest = '', shallowest = ''] = [names[0], names.at(-1)]
  const known =
    'Inputs can be reconstructed from activations, the better the nearer the cut is to the input'
  if (names.length === 1) return `${known}; it stays behind ${deepest}.`
  return setup.hyper.schedule === 'reversed'
    ? `${known}; it moves from ${shallowest} to ${deepest}, so exposure is largest at the beginning.`
    : `${known}; it moves from ${deepest} to ${shallowest}, so exposure grows over the run.`
}

function mitigations(hyper: FedD2SHyper): string {
  const { minCut, cuts, clipNorm, noise, quantization, maxSamplesPerRound, rows, transfer } = hyper
  const left = [
    minCut === null && cuts === null && 'minCut',
    (clipNorm === null || noise === 0) && 'clipNorm with noise',
    quantization === 'none' && 'quantization',
    maxSamplesPerRound === null && 'maxSamplesPerRound',
    rows === 'examples' && 'rows class-means',
    transfer === 'softLabels' && 'transfer headDownload',
  ].filter((option) => option !== false)
  const none = 'No setting of it is a formal guarantee.'
  return left.length === 0 ? none : `Less is given away with ${left.join(', ')}. ${none}`
}

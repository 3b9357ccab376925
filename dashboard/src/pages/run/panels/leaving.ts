/** What leaves a node in a run, and what is done to it before: in words, from the configuration. */
import type { JsonObject, JsonValue } from '#protocol/json.js'
import type { RunConfig } from '#protocol/run-config.js'
import { number, percentTick } from '../../../look/format.js'

export interface LeavingStep {
  readonly name: string
  readonly text: string
}

type Options = Readonly<Record<string, JsonValue | undefined>>
const numberOf = (options: Options, key: string): string => {
  const value = options[key]
  return typeof value === 'number' ? number(value) : '?'
}

/** By the name of the transform, what it does with these options. */
const TRANSFORMS: Readonly<Record<string, (options: Options) => LeavingStep>> = {
  clip: (options) => ({
    name: 'Clip',
    text: `An update that is longer than ${numberOf(options, 'norm')} (L2 norm) is shortened to that, so that no single client moves the model further.`,
  }),
  'gaussian-noise': (options) => ({
    name: 'Gaussian noise',
    text: `Noise with standard deviation ${numberOf(options, 'stddev')} is added to each element, drawn with a key that never leaves the node.`,
  }),
  'top-k': (options) => ({
    name: 'Top-k',
    text: `Only the ${typeof options['fraction'] === 'number' ? percentTick(options['fraction']) : 'few'} of the elements that are largest are sent; the others stay.`,
  }),
  quantize: (options) => ({
    name: 'Quantize',
    text: `Elements are rounded to ${numberOf(options, 'bits')} bits.`,
  }),
}

/** In the order in which they are applied. One that is not known here is told by its name and options. */
export const transformSteps = ({
  updates = [],
}: Pick<RunConfig, 'updates'>): readonly LeavingStep[] =>
  updates.map((update) => {
    const { name, ...options } = update as unknown as JsonObject & { readonly name: string }
    const known = Object.hasOwn(TRANSFORMS, name) ? TRANSFORMS[name] : undefined
    return known?.(options) ?? { name, text: JSON.stringify(options) }
  })

/** What else leaves a node than an update of the model, a sentence each. */
export function alsoLeaving({ method, calibration, evaluation }: RunConfig): readonly string[] {
  const options = method as unknown as Options
  const calibrated = calibration as unknown as Options | undefined
  return [
    ...(method.name === 'fedd2s' && options['profile'] !== 'models'
      ? [
          options['rows'] === 'class-means'
            ? 'Means of activations by class, at the cut (fedd2s)'
            : 'Activations and labels of single examples, at the cut (fedd2s): nodes take part only if their owner allows it',
        ]
      : []),
    ...(method.name === 'fedins' ? ['How often each entry of the pool was chosen (fedins)'] : []),
    ...(calibrated === undefined
      ? []
      : [
          `Statistics of features by class, for the calibration${
            typeof calibrated['epsilon'] === 'number'
              ? `, with differential privacy (ε = ${number(calibrated['epsilon'])})`
              : ''
          }`,
        ]),
    ...(evaluation.diagnostics === undefined
      ? []
      : ['The whole local model, in rounds that compare local models (evaluation.diagnostics)']),
    ...(evaluation.federated
      ? ['Scores of the model on a client’s own held-out examples (evaluation.federated)']
      : []),
  ]
}

/** What the settings of fedd2s cannot be together, as sentences. */
import { FederationError } from '#protocol/errors.js'
import { createStreams } from '#protocol/random.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { Model } from '#algorithms/models/model.js'
import { adapterReasons } from './adapter.js'
import { architecturesOf, type Architecture, type FedD2SSetup } from './architectures.js'
import { hyper, type FedD2SHyper } from './hyper.js'

/** What the profile `models` does not have: it sends whole models and no rows. */
const ROWS_ALONE = [
  ...['transfer', 'serverTeacher', 'serverEpochs', 'serverBatchSize', 'serverLearningRate'],
  ...['headSharing', 'featurePull', 'maxSoftLabelAge', 'rows', 'maxSamplesPerRound', 'pooling'],
  ...['quantization', 'clipNorm', 'noise', 'otherModels', 'adapter'],
] as readonly (keyof FedD2SHyper)[]

/** Labels travel as uint16. */
const MOST_CLASSES = 2 ** 16

export function reasonsAgainst(config: RunConfig, model: Model): readonly string[] {
  const { name: _name, ...options } = config.method
  const settings = hyper.parse(options)
  const setup = { config, model, hyper: settings, streams: createStreams(config.seed) }
  const built = architecturesOrReason(setup)
  const own = [
    settings.minCut !== null &&
      settings.cuts !== null &&
      'method.minCut shortens the default dropping set, and method.cuts names another; leave one of them out',
    ...(settings.profile === 'models' ? modelsReasons(settings) : rowsReasons(setup)),
  ].filter((reason) => reason !== false)
  if (typeof built === 'string') return [...own, built]
  return [...own, ...(settings.profile === 'models' ? [] : shapeReasons(setup, built))]
}

function architecturesOrReason(setup: FedD2SSetup): readonly Architecture[] | string {
  try {
    return architecturesOf(setup)
  } catch (error) {
    if (error instanceof FederationError) return error.message
    throw error
  }
}

function modelsReasons(settings: FedD2SHyper): readonly string[] {
  const defaults = hyper.parse({})
  return ROWS_ALONE.filter(
    (option) => JSON.stringify(settings[option]) !== JSON.stringify(defaults[option]),
  ).map(
    (option) =>
      `method.${option} is about the rows that clients send, and with method.profile models they send none; leave it out`,
  )
}

const rowsReasons = ({ hyper: settings, model }: FedD2SSetup): readonly (string | false)[] => {
  const { featurePull, transfer, noise, clipNorm, maxSoftLabelAge, adapter, otherModels } = settings
  return [
    model.classes > MOST_CLASSES &&
      `fedd2s sends labels as numbers below ${MOST_CLASSES}, and the task has ${model.classes} classes`,
    featurePull > 0 &&
      transfer !== 'headDownload' &&
      'method.featurePull needs the head at the client: set method.transfer headDownload',
    noise > 0 &&
      clipNorm === null &&
      'method.noise is measured in lengths of a clipped activation: set method.clipNorm',
    maxSoftLabelAge !== null &&
      transfer === 'headDownload' &&
      'method.maxSoftLabelAge has no meaning with method.transfer headDownload: no soft labels are kept',
    adapter === 'linear' &&
      otherModels.length === 0 &&
      'method.adapter maps activations of method.otherModels, and there are none',
  ]
}

/** What depends on the shapes of activations. */
function shapeReasons(
  setup: FedD2SSetup,
  architectures: readonly Architecture[],
): readonly string[] {
  const { pooling } = setup.hyper
  const isImage = ({ cuts }: Architecture): boolean => cuts.some(({ shape }) => shape.length === 3)
  return [
    ...(pooling > 1 && !architectures.some(isImage)
      ? [
          'method.pooling averages images [height, width, channels], and no cut of these models has any; leave it out',
        ]
      : []),
    ...adapterReasons(setup, architectures),
  ]
}

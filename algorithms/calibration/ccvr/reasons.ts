/** Which options of CCVR do not go together, and what to change. */
import type { RunConfig } from '#protocol/run-config.js'
import { headOnlyReason, isDense, zerosReason } from '#algorithms/calibration/head-reasons.js'
import { headOf } from '#algorithms/models/extractor.js'
import type { Model } from '#algorithms/models/model.js'
import type { CcvrHyper } from './hyper.js'
import { statisticsReasons } from './plan.js'

interface Wanted {
  readonly config: RunConfig
  readonly model: Model
  readonly hyper: CcvrHyper
}

export function ccvrReasons(wanted: Wanted): readonly string[] {
  const without = headOnlyReason(wanted.model)
  if (without !== null) return [without]
  return [
    ...statisticsReasons(wanted),
    ...[...privacyReasons(wanted), ...transformReasons(wanted), ...headReasons(wanted)].filter(
      (reason) => reason !== false,
    ),
  ]
}

type Reasons = readonly (string | false)[]

function privacyReasons({ config, hyper }: Wanted): Reasons {
  const { epsilon, clipNorm, covMode, minCount, statistics } = hyper
  if (epsilon === null) return []
  return [
    clipNorm === null &&
      'calibration.epsilon needs a bound for what one example can change; set calibration.clipNorm',
    (covMode === 'low-rank' || covMode === 'means-only') &&
      `calibration.epsilon hides what one example changes in sums over all clients, and covMode ${covMode} is no such sum; set calibration.covMode to full, diag or none`,
    minCount > 1 &&
      'calibration.epsilon hides one example, and with minCount above 1 one example can bring in all others of its class; set calibration.minCount to 1',
    statistics === 'sums-two-rounds' &&
      'calibration.epsilon hides nothing from clients that are sent the exact class means; set calibration.statistics to each or sums-one-round',
    config.calibration?.when !== 'final' &&
      'calibration.epsilon is spent anew by every calibration; set calibration.when to final',
  ]
}

function transformReasons({ config, hyper }: Wanted): Reasons {
  if (hyper.transform !== 'tukey-input') return []
  return [
    config.calibration?.when === 'every-round' &&
      'calibration.transform tukey-input puts a layer before the head that training does not know; set calibration.when to final or every-eval, or transform to tukey-inverse',
    hyper.tukeyPower === 0 &&
      'calibration.transform tukey-input needs a power that every feature has, and 0 is the logarithm; set calibration.tukeyPower above 0',
  ]
}

function headReasons({ model, hyper }: Wanted): Reasons {
  const { head, covMode, transform, heldOut } = hyper
  if (head === 'retrained') return [zerosReason(model, hyper) ?? false]
  return [
    !isDense(headOf(model), model.classes) &&
      `calibration.head lda makes a kernel and a bias, and the head of this ${model.name} is another; set calibration.head to retrained, or model.head to linear`,
    (covMode === 'none' || covMode === 'means-only') &&
      `calibration.head lda needs the covariance within classes, which covMode ${covMode} does not tell; set calibration.covMode to full, diag or low-rank`,
    transform === 'tukey-inverse' &&
      'calibration.head lda draws nothing that a transform could be undone for; set calibration.transform to none or tukey-input',
    heldOut &&
      'calibration.head lda draws no virtual features, so that none can be held out; drop calibration.heldOut',
  ]
}

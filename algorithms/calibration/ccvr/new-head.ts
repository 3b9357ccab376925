/** From class moments to the params of a head (ccvr specification §5). */
import { headScore, trainedHead, type HeadScore } from '#algorithms/calibration/head.js'
import type { CalibrationInput } from '#algorithms/calibration/calibration.js'
import { headOf } from '#algorithms/models/extractor.js'
import { paramsOf } from '#algorithms/models/params.js'
import { ldaHead } from './lda.js'
import type { ClassStatistics, GlobalClass } from './moments.js'
import { drawVirtual, type Drawn } from './sampling.js'
import type { CcvrSetup } from './uplink.js'

export interface NewHead {
  /** In the order of the head's layout. */
  readonly params: Float32Array
  /** By label, of the classes that virtual features were drawn of. */
  readonly drawn: ReadonlyMap<number, Drawn>
  /** On virtual features, held-out ones where there are some; null where none were drawn. */
  readonly scores: { readonly before: HeadScore; readonly after: HeadScore } | null
}
export interface KnownClasses {
  readonly classes: readonly GlobalClass[]
  readonly statistics: ClassStatistics
}

/** At least one class is not missing. */
export async function calibratedHead(
  setup: CcvrSetup,
  { released, trainingRounds }: CalibrationInput,
  { classes, statistics }: KnownClasses,
): Promise<NewHead> {
  const { config, model, hyper, streams } = setup
  if (hyper.head === 'lda') {
    const hasPriors = hyper.allocation === 'proportional'
    const params = ldaHead({ model, released, classes, statistics, hasPriors })
    return { params, drawn: new Map(), scores: null }
  }
  const names = config.task.classes
  const virtual = await drawVirtual({ classes, names, hyper, streams, trainingRounds })
  const missing = classes.filter(({ status }) => status === 'missing').map(({ label }) => label)
  const common = { model, released, missing, options: hyper, streams, trainingRounds }
  const params = await trainedHead({ ...common, features: virtual.train })
  const scored = { features: virtual.heldOut ?? virtual.train, missing }
  const before = await headScore(model, paramsOf(headOf(model).layout, released), scored)
  const after = await headScore(model, params, scored)
  return { params, drawn: virtual.drawn, scores: { before, after } }
}

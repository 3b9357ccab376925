/** What can be audited, and what a report has to say beside its numbers. Gifd specification §18. */
import { MOST_UNROLLED_STEPS, stepsOf } from '#protocol/audit-settings.js'
import { asFederationError, FederationError } from '#protocol/errors.js'
import type { RunConfig } from '#protocol/run-config.js'
import { lossGradients } from '#algorithms/audit/matching/local-update.js'
import { methodOf, methodSetup, modelOf } from '#algorithms/from-config.js'
import { shapeText } from '#algorithms/models/blocks/block-maker.js'
import type { Model } from '#algorithms/models/model.js'
import { toTensors } from '#algorithms/models/params.js'
import { oneHot } from '#algorithms/tensor/one-hot.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { CLIENT_OPTIMIZERS } from '#algorithms/training/client-optimizer.js'

interface Auditability {
  /** Why it cannot be audited. Sentences; empty: it can. */
  readonly reasons: readonly string[]
  /** What limits or explains the numbers. Sentences. */
  readonly remarks: readonly string[]
}

/** unrolled: every local step is simulated. one-gradient: the update is taken for one gradient, which it is not. */
export type Approximation = 'unrolled' | 'one-gradient'

interface AuditedUpdate {
  /** Of each client. */
  readonly records: number
  readonly clients: number
  readonly approximation: Approximation
}

/** The remarks of what can be audited. Throws `audit/not-auditable` with every reason why it cannot. */
export async function assertAuditable(
  config: RunConfig,
  update: AuditedUpdate,
): Promise<readonly string[]> {
  const bySettings = await auditabilityOf(config)
  const byUpdate = updateAuditability(config, update)
  const reasons = [...bySettings.reasons, ...byUpdate.reasons]
  if (reasons.length > 0) throw new FederationError('audit/not-auditable', reasons.join('. '))
  return [...bySettings.remarks, ...byUpdate.remarks]
}

function updateAuditability(
  config: RunConfig,
  { records, clients, approximation }: AuditedUpdate,
): Auditability {
  const { batchSize } = config.training
  const steps = stepsOf(config, records)
  const isUnrolled = approximation === 'unrolled'
  const remarks: readonly (string | false)[] = [
    !isUnrolled &&
      steps > 1 &&
      `The ${steps} local steps of an update were taken for one gradient, which is rough: a search that unrolls them could show more`,
    isUnrolled &&
      records > batchSize &&
      `A client takes ${batchSize} of its ${records} records in a local step, in an order that nobody else knows; simulated steps take all of them`,
    clients > 1 &&
      (steps > 1 || (config.updates ?? []).length > 0) &&
      `The mean of ${clients} updates was matched as if one client had all their records`,
  ]
  return {
    reasons:
      isUnrolled && steps > MOST_UNROLLED_STEPS
        ? [
            `${steps} local steps are too many to unroll; set approximation to one-gradient, or localSteps to ${MOST_UNROLLED_STEPS} or fewer`,
          ]
        : [],
    remarks: remarks.filter((remark) => remark !== false),
  }
}

/** Computes a little: a model is tried on one input of zeros. Of settings alone, whatever the records. */
export async function auditabilityOf(config: RunConfig): Promise<Auditability> {
  const byModel = await modelAuditability(modelOf(config))
  const remark = methodOf(config).plainTraining?.(methodSetup(config)).remark
  return {
    reasons: [...settingsReasons(config), ...byModel.reasons],
    remarks: [...(remark === undefined ? [] : [remark]), ...byModel.remarks],
  }
}

/** Why no model could be audited with these settings: the reasons that can be told at once, without computing. */
export function settingsReasons(config: RunConfig): readonly string[] {
  const method = methodOf(config)
  const { optimizer } = config.training
  const entry = CLIENT_OPTIMIZERS.find((one) => one.name === optimizer.name)
  const { inputShape } = config.task
  return [
    ...(inputShape.length === 3
      ? []
      : [
          `Its records of shape ${shapeText(inputShape)} are no pictures, and what an attack finds is compared with nothing else; task.inputShape must be [height, width, channels]`,
        ]),
    ...(method.plainTraining === undefined
      ? [
          `Clients of ${method.name} do not send how far local training moved the whole received model, and nothing else is simulated; audit the same settings with method fedavg, and say so`,
        ]
      : []),
    ...(entry?.isLinear === true
      ? []
      : [
          `A step of ${optimizer.name} is no multiple of a gradient, and its update is not to be taken for one; set training.optimizer.name to sgd`,
        ]),
  ]
}

/** Names of the ops of a forward pass, without repetition. */
async function opsOf(model: Model): Promise<readonly string[]> {
  const { kernels } = await tf.profile(() =>
    tf.tidy(() => {
      model.forward(zeroParams(model), tf.zeros([1, ...model.inputShape]))
    }),
  )
  return [...new Set(kernels.map(({ name }) => name))]
}

const zeroParams = (model: Model): Tensor[] =>
  toTensors(model, new Float32Array(model.parameterCount))

const MAX_POOL = 'MaxPool'

/**
 * A model is audited only where every op has one of our gradient rules, which are exact at every order (see
 * `tensor/gradients`): elsewhere a second derivative may be wrong without a sign of it.
 */
export async function modelAuditability(model: Model): Promise<Auditability> {
  const ops = await opsOf(model)
  const without = ops.filter((op) => tf.getGradient(op) === undefined)
  const remarks = ops.includes(MAX_POOL)
    ? [
        'The model has max pooling: searches hold the places of the maxima constant when they differentiate, which is right almost everywhere but does not see a maximum move',
      ]
    : []
  if (without.length > 0) {
    return {
      reasons: [
        `${model.name} uses ops without an exact second derivative: ${without.join(', ')}; build it from the ops of algorithms/tensor/ops.ts`,
      ],
      remarks,
    }
  }
  const failure = secondDerivativeProblem(model)
  return { reasons: failure === null ? [] : [`${model.name}: ${failure}`], remarks }
}

/** Some ops have rules that hold only for a part of what they can do: overlapping windows, dilated kernels. */
function secondDerivativeProblem(model: Model): string | null {
  try {
    tf.tidy(() => {
      const params = zeroParams(model)
      const y = oneHot([0], model.classes)
      tf.grad((x: Tensor) =>
        tf.addN(lossGradients(model, params, { x, y }).map((gradient) => tf.sum(gradient))),
      )(tf.zeros([1, ...model.inputShape]))
    })
    return null
  } catch (error) {
    return asFederationError(error).message
  }
}

/** A model as the files that `tf.loadLayersModel` of TensorFlow.js loads: the layers as JSON, and their weights. */
import { FederationError } from '#protocol/errors.js'
import type { JsonObject } from '#protocol/json.js'
import type { ModelFile } from '#algorithms/model-file.js'
import { featurePowerOf } from '#algorithms/models/feature-power.js'
import { paramPlaces, paramsOf } from '#algorithms/models/params.js'

export const WEIGHTS_FILE = 'weights.bin'
/** What TensorFlow.js calls a weight, where we call it otherwise. */
const WEIGHT_NAMES: Readonly<Record<string, string>> = { scale: 'gamma', shift: 'beta' }

export interface TfjsLayers {
  /** Content of `model.json`. Its path to the weights is `weights.bin`, beside it. */
  readonly model: JsonObject
  readonly weights: Uint8Array
}

/**
 * Rows of product(inputShape) values, shaped as `inputShape`, go in, probabilities of the classes come out: a softmax is the
 * last layer. Throws `model/not-expressible` where the model is more than a chain of layers that TensorFlow.js has.
 */
export function toTfjsLayers(file: ModelFile): TfjsLayers {
  assertExpressible(file)
  const { model, task, bundle } = file
  const params = paramsOf(model, bundle)
  const layers: JsonObject[] = []
  const specs: JsonObject[] = []
  const values: Float32Array[] = []
  for (const { name, layer, params: own, inputShape } of model.blocks) {
    if (layer === undefined) throw notExpressible(`its step ${name} is no layer of TensorFlow.js`)
    const first = layers.length === 0 ? { batch_input_shape: [null, ...inputShape] } : {}
    layers.push({
      class_name: layer.className,
      config: { name, trainable: true, dtype: 'float32', ...first, ...layer.config },
    })
    for (const { name: param } of own) {
      const place = paramPlaces(model).find((one) => one.name === `${name}/${param}`)!
      const value = params.slice(place.offset, place.offset + place.size)
      values.push(layer.unitColumns === true ? withUnitColumns(value, place.shape) : value)
      const known = `${name}/${WEIGHT_NAMES[param] ?? param}`
      specs.push({ name: known, shape: [...place.shape], dtype: 'float32' })
    }
  }
  layers.push({
    class_name: 'Activation',
    config: { name: 'probabilities', activation: 'softmax', trainable: true, dtype: 'float32' },
  })
  return {
    model: {
      format: 'layers-model',
      generatedBy: 'tributary',
      convertedBy: null,
      modelTopology: {
        ...{ class_name: 'Sequential', config: { name: model.name, layers } },
        ...{ keras_version: 'tfjs-layers 4.22.0', backend: 'tensor_flow.js' },
      },
      weightsManifest: [{ paths: [WEIGHTS_FILE], weights: specs }],
      userDefinedMetadata: { classes: [...task.classes], inputShape: [...task.inputShape] },
    },
    weights: Buffer.concat(values.map(({ buffer }) => new Uint8Array(buffer))),
  }
}

function assertExpressible({ method, bundle }: ModelFile): void {
  if (method !== null)
    throw notExpressible(`what ${method} releases predicts only with the code of ${method}`)
  const power = featurePowerOf(bundle)
  if (power !== null)
    throw notExpressible(`its calibration takes features to the power of ${power} before the head`)
}

const notExpressible = (why: string): FederationError =>
  new FederationError(
    'model/not-expressible',
    `Layers of TensorFlow.js cannot express this model: ${why}`,
  )

/** As the normalized head does it: a column of zeros stays one. */
function withUnitColumns(
  values: Float32Array,
  [rows = 0, columns = 0]: readonly number[],
): Float32Array {
  const scaled = new Float32Array(values.length)
  for (let column = 0; column < columns; column += 1) {
    let sum = 0
    for (let row = 0; row < rows; row += 1) sum += values[row * columns + column]! ** 2
    const norm = Math.sqrt(sum)
    for (let row = 0; row < rows; row += 1) {
      const at = row * columns + column
      scaled[at] = norm === 0 ? 0 : values[at]! / norm
    }
  }
  return scaled
}

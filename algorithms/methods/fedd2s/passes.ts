/** One run over all training examples after training, in inference mode: what goes up, and how well the client does. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Examples } from '#data/dataset.js'
import type { Model } from '#algorithms/models/model.js'
import type { Tap } from '#algorithms/models/taps.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { batchOf } from '#algorithms/training/batch.js'
import { adapted } from './adapter.js'
import type { HeadTeacher } from './objective.js'
import { aboveCut, belowCut } from './split.js'

const BATCH_SIZE = 128

export interface Pass {
  readonly model: Model
  readonly params: readonly Tensor[]
  /** Null: no activations are asked for. */
  readonly cut: { readonly tap: Tap; readonly adapter: Tensor | null } | null
  readonly teacher: Pick<HeadTeacher, 'head' | 'params'> | null
}
/** Of one example. */
export interface Outputs {
  /** The activation at the cut, behind the adapter. */
  readonly features: Float32Array | null
  readonly logits: Float32Array
  /** The downloaded head's. */
  readonly taught: Float32Array | null
}

/** Visits all examples in order; the arrays are views of a batch. */
export async function forExamples(
  pass: Pass,
  examples: Examples,
  visit: (place: number, outputs: Outputs) => void,
): Promise<void> {
  const count = examples.indices.length
  for (let start = 0; start < count; start += BATCH_SIZE) {
    const size = Math.min(BATCH_SIZE, count - start)
    const { features, logits, taught } = await outputsOf(pass, examples, { start, size })
    for (let i = 0; i < size; i++) {
      const rowOf = (values: Float32Array): Float32Array =>
        values.subarray((i * values.length) / size, ((i + 1) * values.length) / size)
      visit(start + i, {
        features: features === null ? null : rowOf(features),
        logits: rowOf(logits!),
        taught: taught === null ? null : rowOf(taught),
      })
    }
    await nextTurn()
  }
}

async function outputsOf(
  { model, params, cut, teacher }: Pass,
  examples: Examples,
  { start, size }: { readonly start: number; readonly size: number },
) {
  const positions = Int32Array.from({ length: size }, (_, i) => start + i)
  const outputs = tf.tidy(() => {
    const { x } = batchOf(examples, positions)
    if (cut === null) return { logits: model.forward(params, x) }
    const { tap, adapter } = cut
    const z = belowCut(model, tap, { params, x })
    const features = adapter === null ? z : adapted(z, adapter)
    return {
      features,
      logits: aboveCut(model, tap, { params, z }),
      ...(teacher === null ? {} : { taught: teacher.head.logits(teacher.params, features) }),
    }
  }) as Readonly<Record<keyof Outputs, Tensor | undefined>>
  try {
    const read = async (tensor: Tensor | undefined): Promise<Float32Array | null> =>
      tensor === undefined ? null : ((await tensor.data()) as Float32Array)
    return {
      features: await read(outputs.features),
      logits: await read(outputs.logits),
      taught: await read(outputs.taught),
    }
  } finally {
    tf.dispose(outputs)
  }
}

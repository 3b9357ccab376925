import { makeBundle, tensorOf } from '#protocol/bundle.js'
import type { Bundle, NamedTensor } from '#protocol/bundle.js'
import type { Model } from '#algorithms/models/model.js'
import { paramsOf } from '#algorithms/models/params.js'

const PREFIX = 'variate/'

/** The params under their own names, as a released model has them, and the server's variate beside them. */
export const sharedWithVariate = (params: Bundle, variate: Bundle): Bundle =>
  makeBundle([
    ...params.tensors.map(({ name }) => tensorOf(params, name)),
    ...variate.tensors.map(({ name }): NamedTensor => {
      return { ...tensorOf(variate, name), name: PREFIX + name }
    }),
  ])

/** The server's variate, flat. */
export const variateIn = (model: Model, shared: Bundle): Float32Array =>
  paramsOf(
    model,
    makeBundle(model.params.map(({ name }) => ({ ...tensorOf(shared, PREFIX + name), name }))),
  )

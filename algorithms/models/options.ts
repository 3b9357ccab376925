import { z } from 'zod'
import type { Activation } from '#algorithms/models/model.js'

/** Option schemas that several models share. */
export const activationOf = (usual: Activation) =>
  z
    .enum(['relu', 'softplus', 'gelu'])
    .default(usual)
    .describe(
      'Activation of the hidden layers. softplus: the smooth twin that audits check second derivatives on',
    )
export const activationOption = activationOf('relu')

export const poolingOption = z
  .enum(['max', 'average'])
  .describe('How 2x2 pooling combines its four values')

/** Left out: linear, so that configurations without it keep their hash. */
export const headOption = z
  .enum(['linear', 'normalized'])
  .exactOptional()
  .describe(
    'linear: one layer with bias. normalized: each class vector is scaled to length 1 and there is no bias, so that no class wins by the size of its params; logits are the features along these directions, without a further scale',
  )

export const unitsOption = z.int().min(1).max(65_536)

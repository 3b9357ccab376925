import { z } from 'zod'

/** Option schemas that several models share. */
export const activationOption = z
  .enum(['relu', 'softplus', 'gelu'])
  .default('relu')
  .describe(
    'Activation of the hidden layers. softplus: the smooth twin that audits check second derivatives on',
  )

export const poolingOption = z
  .enum(['max', 'average'])
  .describe('How 2x2 pooling combines its four values')

export const unitsOption = z.int().min(1).max(65_536)

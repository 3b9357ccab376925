import { z } from 'zod'

export const serverLearningRate = (usual: number) =>
  z
    .number()
    .positive()
    .max(1000)
    .default(usual)
    .describe('Server learning rate: length of a step along the mean delta')

export const decayOf = (usual: number, what: string) =>
  z
    .number()
    .min(0)
    .lt(1)
    .default(usual)
    .describe(`Share of the old ${what} that is kept each round`)

export const adaptivity = z
  .number()
  .positive()
  .max(1)
  .default(1e-3)
  .describe('Degree of adaptivity tau: added to the root of the second moment')

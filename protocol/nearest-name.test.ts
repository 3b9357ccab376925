import { describe, expect, it } from 'vitest'
import { nearest } from './config-problems.js'

describe('the nearest name', () => {
  it('ignores case, and is none when nothing is similar', () => {
    expect(nearest('BATCHSIZE', ['batchSize', 'localEpochs'])).toBe('batchSize')
    expect(nearest('learningRate', ['backend', 'threads'])).toBeNull()
    expect(nearest('x', [])).toBeNull()
  })
})

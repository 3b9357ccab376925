import { describe, expect, it } from 'vitest'
import { encodeBundle, makeBundle, type Bundle } from '#protocol/bundle.js'
import type { Choice } from '#protocol/run-config.js'
import { assertSameModel, decodeStart } from './start-from.js'

const MLP = { name: 'mlp', hidden: [8], activation: 'relu' } satisfies Choice
const of = (model: Choice): Bundle => makeBundle([], { model })

describe('the bundle that a run starts from', () => {
  it('comes out of its bytes', () => {
    expect(decodeStart(encodeBundle(of(MLP))).meta).toEqual({ model: MLP })
  })

  it('is refused when the bytes are none', () => {
    expect(() => decodeStart(new Uint8Array(20))).toThrow(
      expect.objectContaining({ code: 'model/unreadable' }),
    )
  })

  it('may be of the configured model, or say nothing', () => {
    expect(() => assertSameModel({ model: MLP }, of(MLP))).not.toThrow()
    expect(() => assertSameModel({ model: MLP }, makeBundle([]))).not.toThrow()
  })

  it('is compared with every default filled in', () => {
    expect(() => assertSameModel({ model: MLP }, of({ name: 'mlp', hidden: [8] }))).not.toThrow()
  })

  it.each([
    ['of another name', { name: 'logistic' }],
    ['of other sizes', { ...MLP, hidden: [8, 8] }],
    ['of another activation, which no tensor tells', { ...MLP, activation: 'gelu' }],
    ['that does not exist here', { name: 'unheard-of' }],
  ])('is refused when it is of a model %s', (_what, other) => {
    expect(() => assertSameModel({ model: MLP }, of(other))).toThrow(
      expect.objectContaining({
        code: 'model/does-not-fit',
        message: expect.stringContaining('the configuration names {"activation":"relu"') as string,
      }),
    )
  })
})

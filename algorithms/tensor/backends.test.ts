import { availableParallelism } from 'node:os'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { isBackendName, useBackend } from './backends.js'
import { resolveCuda, resolveNative } from './provision/index.js'
import { tf } from './tf.js'

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('useBackend', () => {
  it('starts cpu and wasm, and says what they are', async () => {
    expect(await useBackend('cpu')).toEqual({ backend: 'cpu', version: 'tfjs 4.22.0', threads: 1 })
    expect(tf.getBackend()).toBe('cpu')
    expect(await useBackend('wasm', { threads: 4 })).toEqual({
      backend: 'wasm',
      version: 'tfjs 4.22.0',
      threads: 1,
    })
    expect(tf.getBackend()).toBe('wasm')
  })

  it('goes back to a backend it used before', async () => {
    await useBackend('wasm')
    await useBackend('cpu')
    await useBackend('wasm')
    expect([...tf.add(tf.tensor1d([1, 2]), 1).dataSync()]).toEqual([2, 3])
  })

  it('prints nothing when tensors are made', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    await useBackend('cpu')
    tf.tensor1d([1]).dataSync()
    expect(warn).not.toHaveBeenCalled()
    warn.mockRestore()
  })

  it.skipIf(resolveNative() !== null)(
    'refuses native where it is not installed, and stays where it was',
    async () => {
      await useBackend('wasm')
      await expect(useBackend('native')).rejects.toMatchObject({
        code: 'backend/missing',
        message: expect.stringMatching(/tributary doctor --install native/) as string,
      })
      expect(tf.getBackend()).toBe('wasm')
    },
  )

  it.skipIf(resolveCuda() !== null)('refuses cuda where it is not installed', async () => {
    await expect(useBackend('cuda')).rejects.toMatchObject({
      code: 'backend/missing',
      message: expect.stringMatching(/tributary doctor --install cuda/) as string,
    })
  })

  it.skipIf(resolveNative() === null)(
    'starts native with the threads asked for and keeps them',
    async () => {
      const threads = Math.min(2, availableParallelism())
      const engine = await useBackend('native', { threads })
      expect(engine).toMatchObject({ backend: 'native', threads })
      expect(engine.version).toMatch(/^tfjs 4\.22\.0, TensorFlow 2\./)
      expect(tf.round(tf.tensor1d([3, -2], 'int32')).dataSync()).toEqual(Int32Array.of(3, -2))
      await expect(useBackend('native', { threads: threads + 1 })).rejects.toMatchObject({
        code: 'backend/broken',
        message: expect.stringMatching(/start a new process/) as string,
      })
      expect((await useBackend('native')).threads).toBe(threads)
    },
  )

  it('tells names of backends from others', () => {
    expect([isBackendName('wasm'), isBackendName('auto')]).toEqual([true, false])
  })
})

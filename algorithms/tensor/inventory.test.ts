import { mkdtempSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { BACKEND_NAMES } from './backends.js'
import { takeInventory } from './inventory.js'

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('the inventory', () => {
  it('names every backend once, the fastest first, and what to do about those that are not here', async () => {
    vi.stubEnv('TRIBUTARY_NATIVE_DIR', mkdtempSync(join(tmpdir(), 'inventory-')))
    const { backends } = await takeInventory()
    expect(backends.map(({ name }) => name)).toEqual([...BACKEND_NAMES])
    expect(backends.map(({ state }) => state).slice(3)).toEqual(['ready', 'ready'])
    const [cuda, webgpu, native] = backends
    expect(cuda?.reason).toMatch(/no NVIDIA driver|--install cuda/)
    expect(webgpu).toMatchObject({
      state: 'missing',
      reason: expect.stringContaining('npm install webgpu') as string,
    })
    expect(native).toMatchObject({ state: 'missing' })
    expect(native?.reason).toMatch(/--install native|not possible here/)
  })

  it('describes the machine', async () => {
    const root = mkdtempSync(join(tmpdir(), 'inventory-'))
    vi.stubEnv('TRIBUTARY_NATIVE_DIR', root)
    const inventory = await takeInventory()
    expect(inventory.cpu.cores).toBeGreaterThanOrEqual(availableParallelism())
    expect(inventory.memory.totalBytes).toBeGreaterThan(inventory.memory.freeBytes)
    expect(inventory.node).toBe(process.version)
    expect(inventory.disk.map(({ path }) => path)).toEqual([process.cwd(), root])
    expect(inventory.tools.find(({ name }) => name === 'npm')?.version).toMatch(/^\d+\./)
  })
})

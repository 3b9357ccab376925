import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { safetensorsFile } from '#testing/safetensors-file.js'
import { endAll, temporaryDirectory, tributary } from './harness.js'

/** One block of width 4 on 4x4 images in patches of 2x2, as timm writes it. */
const SHAPES: Readonly<Record<string, readonly number[]>> = {
  ...{ cls_token: [1, 1, 4], pos_embed: [1, 5, 4] },
  ...{ 'patch_embed.proj.weight': [4, 1, 2, 2], 'patch_embed.proj.bias': [4] },
  ...{ 'blocks.0.norm1.weight': [4], 'blocks.0.norm1.bias': [4] },
  ...{ 'blocks.0.attn.qkv.weight': [12, 4], 'blocks.0.attn.qkv.bias': [12] },
  ...{ 'blocks.0.attn.proj.weight': [4, 4], 'blocks.0.attn.proj.bias': [4] },
  ...{ 'blocks.0.norm2.weight': [4], 'blocks.0.norm2.bias': [4] },
  ...{ 'blocks.0.mlp.fc1.weight': [16, 4], 'blocks.0.mlp.fc1.bias': [16] },
  ...{ 'blocks.0.mlp.fc2.weight': [4, 16], 'blocks.0.mlp.fc2.bias': [4] },
  ...{ 'norm.weight': [4], 'norm.bias': [4], 'head.weight': [3, 4], 'head.bias': [3] },
}
const OPTIONS = ['--set', 'patchSize=2', 'width=4', 'depth=1', 'heads=2', '--shape', '4x4x1']

describe('tributary models import', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  beforeAll(async () => {
    directory = await temporaryDirectory()
    const tensors = Object.entries(SHAPES).map(([name, shape]) => ({
      ...{ name, shape, dtype: 'F32' },
      data: new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(0.1),
    }))
    await writeFile(join(directory.path, 'vit.safetensors'), safetensorsFile(tensors))
  })
  afterEach(endAll)
  afterAll(() => directory.remove())
  const run = (...args: readonly string[]) =>
    tributary(['models', ...args], { cwd: directory.path })

  it('writes a bundle that says what it is', async () => {
    const imported = await run('import', 'vit.safetensors', ...OPTIONS, '--out', 'vit.bundle')
    expect(imported.errorText).toBe('')
    expect(imported.result).toMatchObject({
      event: 'models:import:finished',
      parameters: 296,
      ignored: ['head.weight', 'head.bias'],
    })
    const { result } = await run('inspect', 'vit.bundle')
    expect(result).toMatchObject({ name: 'vit', parameters: 296 })
  })

  it('refuses a file of another model, and names what differs', async () => {
    const { status, errorText } = await run('import', 'vit.safetensors', '--out', 'vit.bundle')
    expect(status).toBe(2)
    expect(errorText).toContain('vit needs patch_embed.proj.weight [768, 3, 16, 16]')
  })
})

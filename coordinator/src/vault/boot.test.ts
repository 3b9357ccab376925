import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startCoordinator, type CoordinatorOptions } from '#coordinator/server.js'
import { FakeCompute } from '#testing/fake-fleet.js'
import { Vault } from './vault.js'

const withCode = (code: string): Error => expect.objectContaining({ code }) as Error
const ROUND = 'run-000000000000-1-1'

describe('a coordinator with a vault', () => {
  let root: string
  let dataDir: string
  const keyFile = (name: string): string => join(root, name)
  const start = (vault: NonNullable<CoordinatorOptions['vault']>) =>
    startCoordinator({
      ...{ dataDir, port: 0, logLevel: 'silent', vault },
      compute: ({ blobs }) => new FakeCompute(blobs),
    })
  const names = async (): Promise<readonly string[]> =>
    (await readdir(join(dataDir, 'vault'))).filter((name) => name !== 'id')
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'tributary-boot-'))
    dataDir = join(root, 'data')
    await mkdir(dataDir)
    const vault = await Vault.open({ dataDirectory: dataDir, masterKeyFile: keyFile('first') })
    await vault.create(ROUND, 'disk')
  })
  afterEach(() => rm(root, { recursive: true }))

  it('does not start with another master key, and leaves everything as it was', async () => {
    await expect(start({ masterKeyFile: keyFile('none') })).rejects.toThrow(
      withCode('vault/no-key'),
    )
    await writeFile(keyFile('other'), 'ab'.repeat(32))
    await expect(start({ masterKeyFile: keyFile('other') })).rejects.toThrow(
      withCode('vault/wrong-key'),
    )
    expect(await names()).toEqual([ROUND])
    const vault = await Vault.open({ dataDirectory: dataDir, masterKeyFile: keyFile('first') })
    expect(await vault.compartment(ROUND)).not.toBeNull()
  })
  it.each([
    ['nothing refers to it', { masterKeyFile: 'first' }],
    [
      'its key is lost and the operator gives it up',
      { masterKeyFile: 'none', abandonUnreadable: true },
    ],
  ])('destroys a compartment when %s', async (_why, { masterKeyFile, ...rest }) => {
    const coordinator = await start({ masterKeyFile: keyFile(masterKeyFile), ...rest })
    expect(await names()).toEqual([])
    await coordinator.stop()
  })
})

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const read = (name: string): string =>
  readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')
interface Locked {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly link?: boolean
  readonly hasInstallScript?: boolean
}
interface Advisory {
  readonly package: string
  readonly below: string
  readonly id: string
}
const lock = JSON.parse(read('package-lock.json')) as {
  lockfileVersion: number
  packages: Record<string, Locked>
}
const advisories = JSON.parse(read('testing/security/advisories.json')) as readonly Advisory[]
const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string>>
const packages = Object.entries(lock.packages).filter(([path]) => path !== '')
const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 13)

/** Packages whose install scripts were looked at: they serve tests and builds only, which work without running them. */
const INSTALL_SCRIPTS = ['esbuild']

/** Whether `version` is older than `limit`. Prereleases of a version are older than it. */
function isBelow(version: string, limit: string): boolean {
  const numbers = (text: string): readonly number[] => text.split('-')[0]!.split('.').map(Number)
  const [a, b] = [numbers(version), numbers(limit)]
  const at = [0, 1, 2].find((i) => a[i] !== b[i])
  return at === undefined ? version.includes('-') : (a[at] ?? 0) < (b[at] ?? 0)
}

describe('SEC-T27: packages of others', () => {
  it('SEC-T27: none is older than the version that mended what is known of it', () => {
    expect(isBelow('8.20.9', '8.21.0')).toBe(true)
    expect(isBelow('8.21.0', '8.21.0')).toBe(false)
    expect(isBelow('8.21.0-beta.1', '8.21.0')).toBe(true)
    expect(isBelow('10.0.0', '9.9.9')).toBe(false)
    for (const { package: name, below } of advisories)
      for (const [path, { version = '' }] of packages)
        if (nameOf(path) === name)
          expect([path, version, isBelow(version, below)]).toEqual([path, version, false])
  })
  it('SEC-T27: the advisories are about what is used here, and about what must not come back', () => {
    const used = new Set(packages.map(([path]) => nameOf(path)))
    const unused = advisories.map((one) => one.package).filter((name) => !used.has(name))
    expect(unused.sort()).toEqual(['https-proxy-agent', 'tar'])
  })
  it('SEC-T27: every one has the hash of its bytes, and comes from the registry', () => {
    expect(lock.lockfileVersion).toBe(3)
    expect(packages.length).toBeGreaterThan(200)
    for (const [path, { integrity, resolved, link }] of packages) {
      expect([path, integrity]).toEqual([path, expect.stringMatching(/^sha512-[\w+/]{86}==$/)])
      expect([path, link, resolved]).toEqual([path, undefined, undefined])
    }
  })
  it('SEC-T27: none is asked for by address, and the lock fits the manifest', () => {
    const root = lock.packages[''] as unknown as typeof manifest
    for (const kind of ['dependencies', 'devDependencies', 'peerDependencies']) {
      expect(root[kind] ?? {}).toEqual(manifest[kind] ?? {})
      for (const [name, range] of Object.entries(manifest[kind] ?? {}))
        expect([name, range]).toEqual([name, expect.stringMatching(/^[\^~]?\d+(\.\d+){0,2}$/)])
    }
  })
  it('SEC-T27: only those that were looked at have install scripts, and ours runs none of theirs', () => {
    const scripted = packages.filter(([, { hasInstallScript }]) => hasInstallScript === true)
    expect(scripted.map(([path]) => nameOf(path))).toEqual(INSTALL_SCRIPTS)
    expect(Object.keys(manifest['scripts']!)).not.toContain('postinstall')
    expect(read('deploy/Dockerfile')).toMatch(/npm ci\b.*--ignore-scripts/)
  })
  it('SEC-T27: the bill of materials names every one with its version and hash', () => {
    const made = spawnSync(process.execPath, ['scripts/sbom.mjs'], { encoding: 'utf8' })
    expect(made.status).toBe(0)
    const bill = JSON.parse(made.stdout) as {
      bomFormat: string
      components: readonly { name: string; version: string; hashes: readonly { alg: string }[] }[]
    }
    expect(bill.bomFormat).toBe('CycloneDX')
    expect(bill.components).toHaveLength(packages.length)
    for (const { version, hashes } of bill.components) {
      expect(version).toMatch(/^\d/)
      expect(hashes).toEqual([
        { alg: 'SHA-512', content: expect.stringMatching(/^[0-9a-f]{128}$/) as string },
      ])
    }
  })
})

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import * as pins from '#algorithms/tensor/provision/pins.js'

const read = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8')
type Packages = Readonly<Record<string, string>>
interface PackageJson {
  readonly dependencies: Packages
  readonly peerDependencies: Packages
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional?: boolean }>>
  readonly devDependencies: Packages
}

/** The text below each second-level heading; '' is what stands before the first. */
const sections = new Map(
  read('docs/dependencies.md')
    .split(/^## /m)
    .map((text, i) => {
      const end = text.indexOf('\n')
      return i === 0 ? ['', text] : [text.slice(0, end), text.slice(end)]
    }),
)
/** The first cells of a section's table. */
const listed = (section: string): readonly string[] =>
  [...(sections.get(section) ?? '').matchAll(/^\| ([^ |]+) \|/gm)]
    .map(([, name = '']) => name)
    .filter((name) => name !== 'package')
    .sort()
const typesOnly = [...(sections.get('Development') ?? '').matchAll(/@types\/[\w-]+/g)].map(String)

/** Names of the npm packages among the pins. */
function pinnedPackages(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  if ('integrity' in value && 'name' in value) return [String(value.name)]
  return Object.values(value).flatMap(pinnedPackages)
}

describe('docs/dependencies.md', () => {
  const manifest = JSON.parse(read('package.json')) as PackageJson
  const names = (packages: Packages): readonly string[] => Object.keys(packages).sort()

  it('has a line for every dependency, and no other', () => {
    expect(listed('')).toEqual(names(manifest.dependencies))
  })
  it('has a line for every optional peer, and all peers are optional', () => {
    expect(listed('Optional peers')).toEqual(names(manifest.peerDependencies))
    for (const name of names(manifest.peerDependencies))
      expect(manifest.peerDependenciesMeta[name]).toEqual({ optional: true })
  })
  it('has a line for every package that only the installers of backends fetch', () => {
    const inManifest = new Set([
      ...names(manifest.dependencies),
      ...names(manifest.peerDependencies),
    ])
    const fetched = new Set(pinnedPackages({ ...pins }).filter((name) => !inManifest.has(name)))
    expect(listed('Fetched by the installers of backends only')).toEqual([...fetched].sort())
  })
  it('has a line for every development dependency, and one for all types', () => {
    expect([...listed('Development'), ...typesOnly].sort()).toEqual(names(manifest.devDependencies))
  })
})

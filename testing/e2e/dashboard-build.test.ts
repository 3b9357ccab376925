import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const BUILT = join(ROOT, 'dist/dashboard')
const MOST_BYTES = 300_000

interface Chunk {
  readonly file: string
  readonly isEntry?: boolean
  readonly imports?: readonly string[]
}
const manifest = JSON.parse(readFileSync(join(BUILT, '.vite/manifest.json'), 'utf8')) as Readonly<
  Record<string, Chunk>
>

/** What a browser fetches for a chunk before it runs. */
function filesOf(name: string, seen = new Set<string>()): ReadonlySet<string> {
  const chunk = manifest[name]!
  if (seen.has(chunk.file)) return seen
  seen.add(chunk.file)
  for (const other of chunk.imports ?? []) filesOf(other, seen)
  return seen
}
/** As it is sent. */
const sent = (file: string): number => {
  const path = join(BUILT, file)
  return statSync(existsSync(`${path}.br`) ? `${path}.br` : path).size
}
const assets = readdirSync(join(BUILT, 'assets'))

describe('the built dashboard', () => {
  it('is there within 300 KB: the page, its letters, and the list of runs, to which it opens', () => {
    const [entry] = Object.entries(manifest).find(([, { isEntry }]) => isEntry === true)!
    const files = new Set([
      'index.html',
      ...filesOf(entry),
      ...filesOf('src/pages/runs/runs-page.tsx'),
    ])
    const letters = assets.filter((name) => /^inter-latin-wght.*woff2$/.test(name))
    expect(letters).toHaveLength(1)
    // One for all pages.
    const styles = assets.filter((name) => name.endsWith('.css'))
    expect(styles).toHaveLength(1)
    const all = [...files, ...[...letters, ...styles].map((name) => `assets/${name}`)]
    const bytes = all.map((file) => sent(file)).reduce((sum, size) => sum + size, 0)
    expect(bytes).toBeGreaterThan(100_000)
    expect(bytes).toBeLessThanOrEqual(MOST_BYTES)
  })
  it('has every script and style compressed beside it', () => {
    for (const name of assets.filter((one) => /\.(js|css)$/.test(one))) {
      if (statSync(join(BUILT, 'assets', name)).size < 300) continue
      for (const ending of ['br', 'gz']) expect(assets).toContain(`${name}.${ending}`)
    }
  })
  it('holds no script or style in its page, and nothing from elsewhere', () => {
    const page = readFileSync(join(BUILT, 'index.html'), 'utf8')
    expect(page).not.toMatch(/<style|style=|<script(?![^>]*\ssrc=)|\son\w+=/)
    expect(page).not.toMatch(/(src|href)="(?!\/)/)
    for (const name of assets.filter((one) => one.endsWith('.css')))
      expect(readFileSync(join(BUILT, 'assets', name), 'utf8')).not.toMatch(/url\((?!\/assets\/)/)
  })
  it('needs nothing of Node.js', () => {
    for (const name of assets.filter((one) => one.endsWith('.js'))) {
      const code = readFileSync(join(BUILT, 'assets', name), 'utf8')
      expect([name, /["'`]node:/.test(code)]).toEqual([name, false])
    }
  })
  it('is in the package, and what it was made of is not', () => {
    const args = ['pack', '--dry-run', '--json', '--ignore-scripts']
    const [packed] = JSON.parse(
      execFileSync('npm', args, {
        cwd: ROOT,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    ) as readonly [{ readonly files: readonly { readonly path: string }[] }]
    const paths = packed.files.map(({ path }) => path)
    expect(paths).toContain('dist/dashboard/index.html')
    expect(paths.filter((path) => path.startsWith('dashboard/'))).toEqual([])
  })
})

import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import { loadPage } from './load-page.js'
import type { LoadResult, RawFile } from './load-result.js'

/**
 * Adds one run to a directory: `<benchmark>-<n>.json` with its result, `<benchmark>-<n>-<what>.csv` with raw numbers, and
 * `<directory>.md`, the page of everything that lies there. Returns the page's path. Throws `store/io`.
 */
export async function keepLoadResult(
  directory: string,
  { result, raw }: { readonly result: LoadResult; readonly raw: readonly RawFile[] },
): Promise<string> {
  const page = `${directory.replace(/\/+$/, '')}.md`
  try {
    await mkdir(directory, { recursive: true })
    const known = await readdir(directory)
    const title = freeTitle(result.benchmark, known)
    await writeFile(join(directory, `${title}.json`), `${JSON.stringify(result, null, 2)}\n`)
    for (const { name, text } of raw) await writeFile(join(directory, `${title}-${name}.csv`), text)
    await writeFile(page, loadPage(await readLoadResults(directory)))
  } catch (cause) {
    throw new FederationError('store/io', `Could not write results to ${directory}`, { cause })
  }
  return page
}

export async function readLoadResults(directory: string): Promise<readonly LoadResult[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.json')).sort()
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')))
  return texts.map((text) => JSON.parse(text) as LoadResult)
}

function freeTitle(benchmark: string, known: readonly string[]): string {
  for (let number = 1; ; number += 1) {
    const title = `${benchmark}-${number}`
    if (!known.includes(`${title}.json`)) return title
  }
}

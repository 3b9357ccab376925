/** What is generated in docs/methods/<name>.md: the table of a method's or calibration's options, and the result that is committed. */
import { readFile } from 'node:fs/promises'
import { configDefaultsTable, type ConfigCatalogue } from '#protocol/run-config.js'
import { keyTable } from './configuration-doc.js'

const ROOT = new URL('../', import.meta.url)
/** `<!-- configuration of NAME -->` or `<!-- results of EXPERIMENT -->` up to `<!-- end -->`. */
const PART = /(<!-- (configuration|results) of ([a-z0-9-]+) -->\n)[\s\S]*?<!-- end -->/g

/** A page with its generated parts as they are now. */
export async function methodDoc(page: string, catalogue: ConfigCatalogue): Promise<string> {
  let made = page
  for (const [part, head = '', kind, name = ''] of page.matchAll(PART)) {
    const text = kind === 'configuration' ? optionsOf(name, catalogue) : await resultsOf(name)
    made = made.replace(part, () => `${head}${text}\n<!-- end -->`)
  }
  return made
}

/** Of a method or a calibration. */
function optionsOf(name: string, catalogue: ConfigCatalogue): string {
  const key = Object.hasOwn(catalogue.calibrations, name) ? 'calibration' : 'method'
  const prefix = `${key}(${name}).`
  const rows = configDefaultsTable(catalogue)
    .filter(({ path }) => path.startsWith(prefix))
    .map((row) => ({ ...row, path: row.path.slice(prefix.length) }))
  return keyTable(rows)
}

/** The page of results, a level deeper, with pictures found from docs/methods. */
async function resultsOf(experiment: string): Promise<string> {
  const folder = `simulations/results/${experiment}`
  const page = await readFile(new URL(`${folder}/README.md`, ROOT), 'utf8')
  return page
    .replaceAll(/^#/gm, '##')
    .replaceAll(/\]\((?!https?:)([^)]+)\)/g, `](../../${folder}/$1)`)
    .trimEnd()
}

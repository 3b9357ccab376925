/** Program: writes docs/configuration.md, and the generated parts of docs/methods. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { configCatalogue } from '#algorithms/catalogue.js'
import { configurationDoc } from './configuration-doc.js'
import { methodDoc } from './method-docs.js'

const docs = new URL('../docs/', import.meta.url)
await writeFile(new URL('configuration.md', docs), configurationDoc(configCatalogue()))
for (const name of await readdir(new URL('methods/', docs))) {
  const page = new URL(`methods/${name}`, docs)
  await writeFile(page, await methodDoc(await readFile(page, 'utf8'), configCatalogue()))
}

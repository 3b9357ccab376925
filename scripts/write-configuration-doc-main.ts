/** Program: writes docs/configuration.md. */
import { writeFile } from 'node:fs/promises'
import { configCatalogue } from '#algorithms/catalogue.js'
import { configurationDoc } from './configuration-doc.js'

const path = new URL('../docs/configuration.md', import.meta.url)
await writeFile(path, configurationDoc(configCatalogue()))

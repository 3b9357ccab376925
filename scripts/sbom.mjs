/** Prints the software bill of materials (CycloneDX 1.5, JSON) of package-lock.json: every package with its version and hash. */
import { readFileSync } from 'node:fs'

const read = (name) => JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), 'utf8'))
const { name, version } = read('package.json')
const { packages } = read('package-lock.json')

const component = ([path, locked]) => {
  const full = locked.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
  const purl = `pkg:npm/${full.replace('@', '%40')}@${locked.version}`
  const content = Buffer.from(locked.integrity.slice('sha512-'.length), 'base64').toString('hex')
  return {
    type: 'library',
    'bom-ref': path,
    name: full,
    version: locked.version,
    purl,
    scope: locked.dev || locked.optional || locked.peer ? 'optional' : 'required',
    hashes: [{ alg: 'SHA-512', content }],
    ...(locked.license === undefined ? {} : { licenses: [{ license: { name: locked.license } }] }),
  }
}
const bill = {
  bomFormat: 'CycloneDX',
  specVersion: '1.5',
  version: 1,
  metadata: { component: { type: 'application', name, version } },
  components: Object.entries(packages)
    .filter(([path]) => path !== '')
    .map(component),
}
process.stdout.write(`${JSON.stringify(bill, null, 2)}\n`)

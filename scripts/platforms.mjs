/**
 * Runs the demonstration under other Node.js majors (binaries of the npm package `node`, which are packages of their own by platform) and writes docs/platforms.md.
 * Usage: node scripts/platforms.mjs [20 22 24]
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { ensureBuilt, ensureInstalled, ROOT } from './ready.mjs'

ensureInstalled()
ensureBuilt()
const majors = process.argv.length > 2 ? process.argv.slice(2) : ['20', '22', '24']
const rows = majors.map(demoUnder)
const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], {
  cwd: ROOT,
  encoding: 'utf8',
}).stdout.trim()
writeFileSync(
  join(ROOT, 'docs/platforms.md'),
  `# Platforms

The demonstration (\`npm run demo\`: configuration \`simulations/experiments/mnist-demo.json\`, seed 7, four node processes) under each
Node.js major, written by \`node scripts/platforms.mjs\` at commit ${commit} on ${process.platform} ${process.arch}, ${cpus().length} cores of ${cpus()[0]?.model.trim()}.
The same model hash under every version means that the same bytes were computed.

| Node.js | exit | accuracy | seconds | model hash |
|---|---|---|---|---|
${rows.join('\n')}

Nothing else was tried: Linux x86-64 with glibc only.
`,
)

/** The binary of that major: the running one, or the npm package \`node\` in a folder of its own. */
function binary(major) {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath
  const name = `node-${process.platform}-${process.arch}`
  const folder = join(ROOT, '.tributary/platforms', major)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  const done = spawnSync('npm', ['install', '--no-audit', '--no-fund', `${name}@${major}`], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
  })
  if (done.status !== 0) throw new Error(`npm install node@${major} failed`)
  return join(folder, 'node_modules', name, 'bin/node')
}

function demoUnder(major) {
  const node = binary(major)
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()
  const done = spawnSync(node, ['bin/tributary.js', 'demo', '--json'], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 2],
  })
  const result = JSON.parse(done.stdout.trim().split('\n').at(-1))
  process.stderr.write(`${version}: exit ${done.status}, accuracy ${result.accuracy}\n`)
  return `| ${version} | ${done.status} | ${result.accuracy?.toFixed(4)} | ${result.seconds?.toFixed(1)} | \`${result.modelHash?.slice(0, 16)}\` |`
}

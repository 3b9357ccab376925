/**
 * Makes the `native` backend work on this machine: exit 0 when it does (again or already), 1 when it cannot, with the
 * reason. `node scripts/ensure-native.mjs webgpu` does the same for `webgpu` with a graphics driver in software.
 */
import { spawnSync } from 'node:child_process'
import { ROOT } from './ready.mjs'

const entry = 'algorithms/tensor/provision/ensure-main.ts'
const { status } = spawnSync(
  process.execPath,
  ['--conditions=source', '--import', 'tsx', entry, ...process.argv.slice(2)],
  { cwd: ROOT, stdio: 'inherit' },
)
process.exit(status ?? 1)

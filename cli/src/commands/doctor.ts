import type { Command } from 'commander'
import { takeInventory } from '#algorithms/tensor/inventory.js'
import { installCuda, installNative } from '#algorithms/tensor/provision/index.js'
import { FederationError } from '#protocol/errors.js'
import { addCommand } from '../command.js'
import { bytes } from '#simulations/report/numbers.js'

export function registerDoctor(program: Command): void {
  addCommand<{ install?: string }>(program, 'doctor', {
    describe: 'what this machine can do, and why not more',
    options: (command) =>
      command.option('--install <backend>', 'native (downloads 214 MB) or cuda (downloads 2.4 GB)'),
    run: async ({ out }, options) => {
      if (options.install !== undefined) {
        await install(options.install, (line) => {
          out.say(line)
          out.event('doctor:progress', { line })
        })
      }
      const inventory = await takeInventory()
      out.table(
        ['backend', 'state', 'why'],
        inventory.backends.map((backend) => [backend.name, backend.state, backend.reason]),
      )
      out.table(
        ['what', 'value'],
        [
          ['processor', `${inventory.cpu.model}, ${inventory.cpu.cores} cores`],
          [
            'memory',
            `${bytes(inventory.memory.freeBytes)} free of ${bytes(inventory.memory.totalBytes)}`,
          ],
          ['node', inventory.node],
          ...inventory.disk.map((disk): [string, string] => [
            `disk ${disk.path}`,
            `${bytes(disk.freeBytes)} free`,
          ]),
          ...inventory.tools.map((tool): [string, string] => [
            tool.name,
            tool.version ?? 'not found',
          ]),
        ],
      )
      out.finish('doctor', { ...inventory })
    },
  })
}

async function install(backend: string, onProgress: (line: string) => void): Promise<void> {
  if (backend === 'native') return installNative({ onProgress })
  if (backend === 'cuda') return installCuda({ onProgress })
  throw new FederationError(
    'usage/bad-value',
    `Expected --install native or --install cuda, got '${backend}'`,
  )
}

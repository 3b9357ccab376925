import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { encodeBundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import { sha256 } from '#protocol/ids.js'
import { labelParams, setupIn } from '#algorithms/model-file.js'
import { fedins } from '#algorithms/methods/fedins/fedins.js'
import { mergeSelection } from '#algorithms/methods/fedins/merge.js'
import { poolShapeOf } from '#algorithms/methods/fedins/pool.js'
import { frozenParams } from '#algorithms/methods/fedins/setup.js'
import { paramsBundle } from '#algorithms/models/params.js'
import { openAssets, readModelAt } from '#simulations/open-model.js'
import { addCommand, integerList } from '../command.js'
import { COMMAND } from '../command-name.js'

export function registerMerge(models: Command): void {
  addCommand<{ entries: readonly number[]; out: string }>(models, 'merge <bundle>', {
    describe: 'fold chosen entries of a FedIns pool into plain weights: one ordinary model',
    options: (command) =>
      command
        .requiredOption('--entries <list>', 'for example 0 or 0,3', integerList)
        .option('--out <file>', 'where the bundle goes', 'merged.bundle'),
    run: async ({ out }, { entries, out: target }, [path = '']) => {
      const file = await readModelAt(path)
      if (file.method !== fedins.name) {
        throw new FederationError(
          'model/unreadable',
          `${path} holds no pool of entries: it is of ${file.method ?? `a ${file.model.name}`}`,
        )
      }
      const { config, setup } = setupIn(file)
      const hyper = fedins.hyper.parse(setup.hyper)
      const merged = mergeSelection({
        model: file.model,
        shape: poolShapeOf(file.model, hyper),
        backbone: frozenParams({ ...setup, hyper }, await openAssets(path, file)),
        pool: file.bundle,
        entries,
      })
      const bytes = encodeBundle(labelParams(paramsBundle(file.model, merged), config))
      await writeFile(target, bytes)
      out.say(`Entries ${entries.join(', ')} as one ${file.model.name}: ${target}`)
      out.say(
        `It predicts as the pool does for inputs that choose exactly these entries, no others.`,
      )
      out.say(`Score it:  ${COMMAND} models evaluate ${target} --data …`)
      out.finish('models:merge', { file: target, entries: [...entries], hash: sha256(bytes) })
    },
  })
}

import { readFile, writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { configCatalogue } from '#algorithms/catalogue.js'
import { bundleInSafetensors } from '#algorithms/models/export/safetensors.js'
import { importBackbone } from '#algorithms/models/import/import-backbone.js'
import { encodeBundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import { sha256 } from '#protocol/ids.js'
import { unwrap } from '#protocol/result.js'
import { parseRunConfig, type RunConfig } from '#protocol/run-config.js'
import { overridden } from '#simulations/experiments.js'
import { addCommand, inputShape, type Session } from '../command.js'

interface ImportOptions {
  readonly model: string
  readonly set: readonly string[]
  readonly shape: string
  readonly out: string
}

export function registerImport(models: Command): void {
  addCommand<ImportOptions>(models, 'import <file>', {
    describe:
      'make a bundle of a safetensors file: one that runs export wrote, or the backbone of a Vision Transformer as timm saves it',
    options: (command) =>
      command
        .option('--model <name>', 'which model it holds', 'vit')
        .option('--set <key=value...>', 'an option of the model, such as width=384', [])
        .option('--shape <shape>', 'input shape that it was trained for', '224x224x3')
        .requiredOption('--out <bundle>', 'where to write the bundle'),
    run: async (session, options, [path = '']) => {
      const { out } = session
      const file = await read(path)
      const own = bundleInSafetensors(file)
      if (own !== null) return keepOwn(session, encodeBundle(own), options.out)
      const { bundle, model, ignored } = importBackbone(file, requestOf(options))
      const bytes = encodeBundle(bundle)
      await write(options.out, bytes)
      const parameters = bundle.payload.length / 4
      out.say(
        `${model.name}: ${parameters.toLocaleString('en')} parameters and no head, written to ${options.out}`,
      )
      if (ignored.length > 0) out.say(`Left out: ${ignored.join(', ')}`)
      out.say(`Start from it with --set 'startFrom={"file":"${options.out}"}'`)
      const hash = sha256(bytes)
      out.finish('models:import', { name: model.name, parameters, ignored, hash, out: options.out })
    },
  })
}

/** A bundle that was exported as safetensors comes back with the bytes that it had. */
async function keepOwn({ out }: Session, bytes: Uint8Array, path: string): Promise<void> {
  await write(path, bytes)
  const hash = sha256(bytes)
  out.say(`The bundle ${hash}, as it was exported, written to ${path}`)
  out.finish('models:import', { hash, out: path })
}

function requestOf({ model, set, shape }: ImportOptions) {
  return { model: modelFrom(model, set, inputShape(shape)), inputShape: inputShape(shape) }
}

/** With all its options. The classes matter to no backbone. */
function modelFrom(
  name: string,
  set: readonly string[],
  shape: readonly number[],
): RunConfig['model'] {
  const model = overridden({ name }, set)
  const task = { inputShape: [...shape], classes: ['0', '1'] }
  return unwrap(parseRunConfig({ model, task }, configCatalogue())).model
}

async function read(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new FederationError('model/unreadable', `Cannot read '${path}': ${why}`, { cause })
  }
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(path, bytes)
  } catch (cause) {
    throw new FederationError('store/io', `Could not write ${path}`, { cause })
  }
}

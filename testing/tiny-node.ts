/** What the tests of a node need: data of its owner's as a module, and a coordinator that does what a test says. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { FederationError } from '#protocol/errors.js'
import type { Fate } from '#protocol/record.js'
import type { Answer, Link } from '#client/transport/socket.js'
import { CLASSES, FEATURES, tinyDataset } from './tiny-federation.js'

export interface TinyModule {
  readonly classes?: readonly string[]
  readonly seed?: number
  /** Large enough, and training is not finite any more. */
  readonly scale?: number
  /** While there is a file of this name, whoever looks at the training examples removes it and dies. */
  readonly deathFile?: string
  /** While there is a file of this name, there are no data. */
  readonly goneFile?: string
}

/** Writes a module that exports `openData`: eight examples to train on, two to test. Returns its path. */
export async function tinyModule(directory: string, options: TinyModule = {}): Promise<string> {
  const { classes = CLASSES, seed = 1, scale = 1, deathFile = '', goneFile = '' } = options
  const { features, labels } = tinyDataset(10, seed)
  const path = join(directory, `data-${seed}-${scale}-${classes.join('')}.mjs`)
  await writeFile(
    path,
    `import { existsSync, rmSync } from 'node:fs'
const source = {
  name: 'tiny', inputShape: [${FEATURES}], classes: ${JSON.stringify(classes)}, count: 10,
  features: Float32Array.from(${JSON.stringify([...features])}, (x) => x * ${scale}),
  labels: Int32Array.from(${JSON.stringify([...labels])}),
}
export const openData = async () => {
  if (existsSync(${JSON.stringify(goneFile)})) throw new Error('The data are gone')
  return {
    card: { inputShape: source.inputShape, classes: source.classes },
    test: { source, indices: Int32Array.of(8, 9) },
    get train() {
      if (existsSync(${JSON.stringify(deathFile)})) {
        rmSync(${JSON.stringify(deathFile)})
        process.kill(process.pid, 'SIGKILL')
      }
      return { source, indices: Int32Array.of(0, 1, 2, 3, 4, 5, 6, 7) }
    },
  }
}
`,
  )
  return path
}

type Asked = readonly [name: string, message: Readonly<Record<string, unknown>>]

/** The coordinator's end of a link, in this process. Answers may be promises, or throw. */
export class FakeLink implements Link {
  readonly asked: Asked[] = []
  fate: Fate | 'open' = 'open'
  answers: Readonly<Record<string, (message: Asked[1], count: number) => unknown>> = {}

  async ask(name: string, message: unknown): Promise<never> {
    this.asked.push([name, message as Asked[1]])
    const answer = this.answers[name] ?? this.#usual[name]
    return (await answer?.(message as Asked[1], this.all(name).length)) as never
  }
  on(_event: string, _handler: (message: unknown) => Answer): void {
    return
  }
  connected(): Promise<void> {
    return Promise.resolve()
  }
  close(): void {
    return
  }

  /** Messages of one name, in order. */
  all(name: string): readonly Asked[1][] {
    return this.asked.flatMap(([asked, message]) => (asked === name ? [message] : []))
  }
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await nextTurn()
  }

  readonly #usual: FakeLink['answers'] = {
    'update:begin': () => ({ ok: true, nextChunk: 0, chunkBytes: 262_144 }),
    'update:chunk': () => ({ ok: true, nextChunk: 1 }),
    'update:finish': () => ({ ok: true, status: 'accepted' }),
    'task:failed': () => ({ ok: true }),
    'node:progress': () => ({ ok: true }),
    'fate:ask': () => ({ ok: true, fate: this.fate }),
  }
}

export const lost = (): FederationError =>
  new FederationError('coordinator/unreachable', 'The connection was lost')

import type { Command } from 'commander'
import { z } from 'zod'
import { FederationError } from '#protocol/errors.js'
import { certificateProblem, coordinatorFetch } from '#client/transport/trust.js'
import { addCommand } from '../command.js'
import { locate, remoteOptions, type RemoteOptions } from '../sign-in.js'

const answerSchema = z.object({
  status: z.string(),
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string().optional() })),
})
/** Longer than the coordinator waits for its store. */
const ANSWER_MS = 8_000

/** Asks `/readyz` as a supervisor would: ends with 0 when the coordinator is ready for work. */
export function registerHealth(coordinator: Command): void {
  addCommand<RemoteOptions>(coordinator, 'health', {
    describe: 'whether a coordinator is ready for work, and what is in the way',
    options: remoteOptions,
    run: async ({ out }, options) => {
      const { url } = await locate(options)
      const { status, checks } = await ask(url)
      for (const { name, ok, detail = '' } of checks)
        out.say(`${ok ? 'ok    ' : 'not ok'} ${name}${detail === '' ? '' : `: ${detail}`}`)
      const bad = checks.filter(({ ok }) => !ok).map(({ name }) => name)
      if (bad.length > 0)
        throw new FederationError(
          'coordinator/unreachable',
          `${url} is not ready: ${bad.join(', ')}`,
        )
      out.finish('coordinator:health', { url, status, checks })
    },
  })
}

async function ask(url: string): Promise<z.output<typeof answerSchema>> {
  const address = new URL('/readyz', url)
  try {
    const response = await coordinatorFetch(address, { signal: AbortSignal.timeout(ANSWER_MS) })
    return answerSchema.parse(await response.json())
  } catch (cause) {
    throw (
      certificateProblem(url, cause) ??
      new FederationError('coordinator/unreachable', `No coordinator answers at ${url}`, { cause })
    )
  }
}

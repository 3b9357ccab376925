import type { AttackName, AttackResult } from '#algorithms/audit/attack.js'
import { tf } from '#algorithms/tensor/tf.js'
import { newTrail, type Descent, type Search, type Trail } from './search.js'
import { resultOf } from './selection.js'

/** One descent a restart, each from a start of its own. */
export async function descendFrom(
  search: Search,
  plan: {
    readonly name: AttackName
    readonly restarts: number
    /** Draws the start; it is disposed here. */
    make(): Promise<Descent>
  },
): Promise<AttackResult> {
  const { name, restarts } = plan
  const trails: Trail[] = []
  for (let restart = 0; restart < restarts; restart++) {
    const drawn = await search.draw(() => plan.make())
    if (drawn === null) continue
    const trail = newTrail(restart)
    trails.push(trail)
    try {
      tf.dispose((await search.descend([trail], drawn)) ?? [])
    } finally {
      tf.dispose([...drawn.start])
    }
  }
  return resultOf(search, name, { trails, restarts })
}

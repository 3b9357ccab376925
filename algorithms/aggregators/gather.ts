import { tensorOf } from '#protocol/bundle.js'
import type { Bundle, NamedTensor } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { Slot } from '#protocol/ids.js'
import { uplinkName, type UplinkGroup } from '#protocol/uplink.js'
import type { GatheredPayload } from '#algorithms/methods/method.js'

/** Where a member's tensors lie: `prefix/tensor` inside `source`. */
export interface GatherEntry {
  readonly slot: Slot
  readonly weight: number
  readonly source: Bundle
  readonly prefix: string
}

/** Remembers who sent what; reads it when asked, in slot order, one payload in memory at a time. */
export interface Gather {
  add(entry: GatherEntry, reload?: () => Promise<Bundle>): void
  /** All of it, named `group/slot/tensor`, in slot order. Only for entries that are in memory. */
  tensors(): readonly NamedTensor[]
  payloads(): AsyncIterable<GatheredPayload>
}

interface Held extends Omit<GatherEntry, 'source'> {
  /** Null: to be reloaded. */
  readonly source: Bundle | null
  readonly reload: (() => Promise<Bundle>) | null
}

export function createGather(group: UplinkGroup): Gather {
  const entries: Held[] = []
  const inOrder = (): readonly Held[] => entries.toSorted((a, b) => a.slot - b.slot)
  const read = (source: Bundle, prefix: string): readonly NamedTensor[] =>
    group.tensors.map(({ name }) => ({ ...tensorOf(source, `${prefix}/${name}`), name }))

  return {
    add({ source, ...entry }, reload) {
      entries.push(
        reload === undefined
          ? { ...entry, source, reload: null }
          : { ...entry, source: null, reload },
      )
    },
    tensors: () =>
      inOrder().flatMap((entry) =>
        read(inMemory(entry), entry.prefix).map((tensor) => ({
          ...tensor,
          name: `${group.name}/${entry.slot}/${tensor.name}`,
        })),
      ),
    async *payloads() {
      for (const entry of inOrder()) {
        const source = entry.reload === null ? inMemory(entry) : await entry.reload()
        const tensors = Object.fromEntries(
          read(source, entry.prefix).map((tensor) => [tensor.name, tensor]),
        )
        yield { slot: entry.slot, weight: entry.weight, tensors }
      }
    },
  }
}

function inMemory({ source, slot }: Held): Bundle {
  if (source === null) {
    throw new FederationError(
      'algorithm/failed',
      `The gathered tensors of slot ${slot} are not in memory`,
    )
  }
  return source
}

/** The gather groups of one update, by name, as the fold will yield them. */
export function payloadsOf(
  update: Bundle,
  uplink: readonly UplinkGroup[],
  member: { readonly slot: Slot; readonly weight: number },
): Readonly<Record<string, GatheredPayload>> {
  const gathered = uplink.filter(({ reduce }) => reduce === 'gather')
  return Object.fromEntries(
    gathered.map(({ name: group, tensors }) => {
      const own = tensors.map(
        ({ name }) => [name, { ...tensorOf(update, uplinkName(group, name)), name }] as const,
      )
      return [group, { ...member, tensors: Object.fromEntries(own) }]
    }),
  )
}

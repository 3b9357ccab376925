import type { DataCard } from '#protocol/data-card.js'
import { FederationError } from '#protocol/errors.js'
import type { Slot } from '#protocol/ids.js'
import { canonicalJson } from '#protocol/json.js'
import type { RunRecord } from '#protocol/record.js'
import type { RunConfig, SimulatedDataConfig } from '#protocol/run-config.js'
import { formatDataSource, openAllClients, parseShard, type ClientData } from '#data/index.js'

/** How a slot's data are made: the words of a node's flags. */
export type ClientSource = NonNullable<DataCard['source']>

/** Client i of a simulation has shard i + 1 of `config.data`. Throws `config/invalid` without that key. */
export function sourcesOfConfig({ data }: RunConfig): readonly ClientSource[] {
  if (data === null) {
    throw new FederationError(
      'config/invalid',
      "A simulation needs the key data: where the clients' shares come from",
    )
  }
  return Array.from({ length: data.clients }, (_, slot) => sourceOf(data, slot))
}

const sourceOf = (data: SimulatedDataConfig, slot: Slot): ClientSource => ({
  data: formatDataSource(data),
  partition: data.partition,
  shard: `${slot + 1}/${data.clients}`,
  testFraction: data.testFraction,
  ...(data.limit === undefined ? {} : { limit: data.limit }),
  ...(data.shift === undefined ? {} : { shift: data.shift }),
})

/**
 * The sources by slot of a recorded run: a simulation's from its configuration, a deployment's from the cards of its roster.
 * Throws `replay/no-data` when a slot that was counted keeps its data to itself.
 */
export function sourcesOfRecord(record: RunRecord): readonly (ClientSource | null)[] {
  if (record.kind !== 'deployed' && record.config.data !== null)
    return sourcesOfConfig(record.config)
  const counted = new Set(record.rounds.flatMap((round) => round.accepted.map(({ slot }) => slot)))
  return record.roster.map(({ slot, name, card }) => {
    if (card.source === undefined && counted.has(slot)) {
      throw new FederationError(
        'replay/no-data',
        `The data of slot ${slot} (${name}) are private: its card names no source to make them from`,
      )
    }
    return card.source ?? null
  })
}

/** Opens clients' data, each distinct source once. Clients of one source share its features in memory. */
export class ClientDataLoader {
  readonly #sources: readonly (ClientSource | null)[]
  readonly #opened = new Map<string, Promise<readonly ClientData[]>>()

  constructor(sources: readonly (ClientSource | null)[]) {
    this.#sources = sources
  }

  async of(slot: Slot): Promise<ClientData> {
    const source = this.#sources[slot]
    if (source === undefined || source === null) {
      throw new FederationError('replay/no-data', `There is no source for the data of slot ${slot}`)
    }
    const { shard, limit, shift, ...shared } = source
    const { index, clients } = parseShard(shard)
    const request = {
      ...shared,
      clients,
      // They follow from the source that the card names, so telling them tells nothing more.
      shareCounts: true,
      ...(limit === undefined ? {} : { limit }),
      ...(shift === undefined ? {} : { shift }),
    }
    const key = canonicalJson(request)
    const all = this.#opened.get(key) ?? openAllClients(request)
    this.#opened.set(key, all)
    const data = (await all)[index]
    if (data === undefined)
      throw new FederationError('data/bad-partition', `Shard ${shard} is beyond its partition`)
    return data
  }
}

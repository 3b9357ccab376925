import { describe, expect, it } from 'vitest'
import { parseRunConfig } from '#protocol/run-config.js'
import { unwrap } from '#protocol/result.js'
import { openClientData, type ClientDataRequest } from '#data/index.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { ClientDataLoader, sourcesOfConfig } from './client-data.js'

const configWith = (data: Record<string, string | number>) =>
  unwrap(
    parseRunConfig(
      {
        task: { inputShape: [20], classes: ['0', '1', '2'] },
        data: { name: 'synthetic', path: 'count=60:classes=3', clients: 3, ...data },
      },
      configCatalogue(),
    ),
  )

describe('the data of simulated clients', () => {
  it('are made from the words of a node, and only from those that are there', () => {
    expect(sourcesOfConfig(configWith({}))[1]).toEqual({
      ...{
        data: 'synthetic:count=60:classes=3',
        partition: 'iid',
        shard: '2/3',
        testFraction: 0.1,
      },
    })
    const given = { limit: 50, shift: 'split:none,invert', partition: 'shards:2' }
    expect(sourcesOfConfig(configWith(given))[2]).toMatchObject({ ...given, shard: '3/3' })
  })

  it('are moved into the domains that a node with the same words finds', async () => {
    const sources = sourcesOfConfig(configWith({ shift: 'skewed=1:none,scale=-1:seed=2' }))
    const plain = new ClientDataLoader(sourcesOfConfig(configWith({})))
    const loader = new ClientDataLoader(sources)
    for (const [slot, source] of sources.entries()) {
      const { train, card } = await loader.of(slot)
      const node = await openClientData({
        ...(source as ClientDataRequest),
        shareCounts: true,
      })
      expect(card).toEqual(node.card)
      expect(card.source).toEqual(source)
      const ofNode = [...node.train.indices].map((row) => node.train.source.domains?.of[row])
      expect([...train.indices].map((row) => train.source.domains?.of[row])).toEqual(ofNode)
      expect((await plain.of(slot)).train.source.domains).toBeUndefined()
    }
  })
})
